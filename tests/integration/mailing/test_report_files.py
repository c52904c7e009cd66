"""How contacts get the list of rows: real nights, a real SMTP server, a folder and a real SFTP server for the drops."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import select

from rostersync import database, mailing, pipeline
from rostersync.configuration.districts import District
from rostersync.database.tables import report_drop
from rostersync.mailing import SmtpSender
from rostersync.model import Report, ReportFile
from rostersync.operations import replaying
from tests.support.district_nights import Nights, district, person
from tests.support.servers import SftpServer, SmtpServer

GOOD, BAD = person(1), person(2, userEmail="no address")
CONTACTS = [
    {"address": f"{way}@springfield.example", "name": way, "delivery": way} for way in ("attach", "sftp", "counts-only")
]
LIST = b"row\r\n" * 50_000
NAMES = ["users-errors.csv", "users-errors.xlsx"]


@pytest.fixture
def mailed(emptied: Nights, smtp_server: SmtpServer) -> Nights:
    """Nights whose mails go to the SMTP server, with a contact of each kind."""
    emptied.seed()
    emptied.sender = SmtpSender(smtp_server.url)
    emptied.config = district(emptied.inbox, contacts=CONTACTS)
    return emptied


def attached(server: SmtpServer) -> dict[str, dict[str, bytes]]:
    """contact → file name → content."""
    return {
        mail.recipients[0].partition("@")[0]: {
            part.get_filename() or "": part.get_payload(decode=True) for part in mail.message.iter_attachments()
        }
        for mail in server.accepted
    }


def texts(server: SmtpServer) -> dict[str, str]:
    """contact → the plain text of the last mail, in one line."""
    bodies = {mail.recipients[0].partition("@")[0]: mail.message.get_body(("plain",)) for mail in server.accepted}
    return {who: " ".join(body.get_content().split()) for who, body in bodies.items() if body}


def drops(nights: Nights) -> list[tuple[str, str]]:
    """(name in the folder, state) of each file."""
    with nights.owner.connect() as conn:
        listed = conn.execute(select(report_drop.c.target, report_drop.c.state).order_by(report_drop.c.target))
        return [(row.target, row.state) for row in listed]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_each_contact_gets_the_list_of_rows_in_their_own_way(mailed: Nights, smtp_server: SmtpServer) -> None:
    """Beside them is one outside the district's domains, in a configuration that somebody built without its checks."""
    stray = mailed.config.contacts[0].model_copy(update={"address": "stray@elsewhere.example"})
    mailed.config = mailed.config.model_copy(update={"contacts": (stray, *mailed.config.contacts)})
    mailed.put([GOOD, BAD])
    (result,) = mailed.sync()
    got = attached(smtp_server)
    assert {who: sorted(files) for who, files in got.items()} == {"attach": NAMES, "sftp": [], "counts-only": []}
    start = f"{result.delivery}-1-"
    assert contents(mailed.inbox / "reports") == {start + name: content for name, content in got["attach"].items()}
    assert all(f"reports/{start}{name}" in texts(smtp_server)["sftp"] for name in NAMES)
    assert not any(name in texts(smtp_server)["counts-only"] for name in NAMES)
    assert drops(mailed) == [(start + name, "dropped") for name in NAMES]
    assert [who for _, who, state in mailed.messages() if state == "refused"] == ["stray@elsewhere.example"]


def test_a_replay_after_another_choice_mails_nobody_twice_and_drops_the_files(
    mailed: Nights, smtp_server: SmtpServer
) -> None:
    mailed.config = district(mailed.inbox, contacts=CONTACTS[:1])
    mailed.put([GOOD, BAD])
    (result,) = mailed.sync()
    assert drops(mailed) == []
    mailed.config = district(mailed.inbox, contacts=[{**CONTACTS[0], "delivery": "sftp"}])
    mailed.now += dt.timedelta(hours=1)
    assert replaying.replay(mailed.services, str(result.delivery)).queued == 0
    counts = pipeline.send_due(mailed.services)
    assert (counts["sent"], counts["files_dropped"]) == (0, 2)
    assert len(smtp_server.accepted) == 1


def enter(nights: Nights) -> None:
    """A report with a file for the folder, and a mail that tells of it."""
    file = ReportFile(name="list.csv", media_type="text/csv", content=LIST, attached=False, target="d-1-list.csv")
    report = Report(kind="count_report", subject="s", text="t", html="<p>t</p>", files=(file,))
    with database.transaction(nights.engine, "springfield") as conn:
        mailing.enqueue(
            conn,
            district="springfield",
            delivery=None,
            attempt=None,
            report=report,
            recipients=["attach@springfield.example"],
            allowed=nights.config.allows,
            at=nights.now,
        )


@pytest.mark.parametrize("hindrance", ["file", "link"])
def test_a_folder_that_refuses_is_visible_and_loses_no_mail(mailed: Nights, tmp_path: Path, hindrance: str) -> None:
    """Where the district put a link, something else would be written to."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if hindrance == "file":
        (mailed.inbox / "reports").write_bytes(b"a file in the folder's place")
    else:
        (mailed.inbox / "reports").symlink_to(elsewhere)
    enter(mailed)
    counts = pipeline.send_due(mailed.services)
    assert (counts["sent"], counts["files_refused"]) == (1, 1)
    assert drops(mailed) == [("d-1-list.csv", "refused")]
    assert contents(elsewhere) == {}
    mailed.now += dt.timedelta(days=1)
    assert pipeline.send_due(mailed.services)["files_dropped"] == 0


@pytest.fixture
def by_sftp(mailed: Nights, sftp_server: SftpServer, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """The same, the inbox on the SFTP server in `upload`."""
    reach(monkeypatch, sftp_server, sftp_server.port)
    source = {"sftp": "springfield", "directory": "upload", "pattern": "users*.csv", "reports": "/reports/nightly"}
    mailed.config = District.model_validate({**mailed.config.model_dump(), "source": source})
    mailed.inbox.rmdir()
    (sftp_server.root / "upload").mkdir()
    mailed.inbox.symlink_to(sftp_server.root / "upload")
    return mailed


def reach(monkeypatch: pytest.MonkeyPatch, server: SftpServer, port: int) -> None:
    """Let the district's connection lead to this port."""
    key, login = quote(server.host_key), f"{server.user}:{server.password}"
    monkeypatch.setenv("ROSTERSYNC_SFTP_SPRINGFIELD", f"sftp://{login}@127.0.0.1:{port}?host_key={key}")


def test_files_are_dropped_on_the_districts_server_whole_and_again_harmlessly(
    by_sftp: Nights, sftp_server: SftpServer, smtp_server: SmtpServer
) -> None:
    by_sftp.put([GOOD, BAD])
    (result,) = by_sftp.sync()
    there = sftp_server.root / "reports" / "nightly"
    dropped = {f"{result.delivery}-1-{name}": content for name, content in attached(smtp_server)["attach"].items()}
    assert contents(there) == dropped
    with by_sftp.owner.begin() as conn:
        conn.execute(report_drop.update().values(state="queued"))
    (there / f"{result.delivery}-1-users-errors.csv").write_bytes(b"other")
    counts = pipeline.send_due(by_sftp.services)
    assert (counts["files_dropped"], counts["sent"]) == (2, 0)
    assert contents(there) == dropped


def test_a_server_that_is_away_gets_the_file_later(
    by_sftp: Nights, sftp_server: SftpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(by_sftp)
    reach(monkeypatch, sftp_server, 9)
    counts = pipeline.send_due(by_sftp.services)
    assert (counts["sent"], counts["files_deferred"]) == (1, 1)
    reach(monkeypatch, sftp_server, sftp_server.port)
    assert pipeline.send_due(by_sftp.services)["files_dropped"] == 0
    by_sftp.now += dt.timedelta(minutes=5)
    assert pipeline.send_due(by_sftp.services)["files_dropped"] == 1
    assert contents(sftp_server.root / "reports" / "nightly") == {"d-1-list.csv": LIST}


def test_after_two_days_a_server_that_stays_away_is_left_to_a_person(
    by_sftp: Nights, sftp_server: SftpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(by_sftp)
    reach(monkeypatch, sftp_server, 9)
    by_sftp.now += dt.timedelta(hours=47)
    assert pipeline.send_due(by_sftp.services)["files_deferred"] == 1
    by_sftp.now += dt.timedelta(hours=2)
    assert pipeline.send_due(by_sftp.services)["files_refused"] == 1

"""The watcher: each kind of trouble is told by its code, from the ledger alone, and mailed once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import insert, select, update

from rostersync import settings
from rostersync.catalogue.alerts import alert_texts
from rostersync.cli import app as cli
from rostersync.database import tables as t
from rostersync.mailing import SmtpSender
from rostersync.operations import date_changes
from rostersync.operations.monitoring import watch
from rostersync.operations.operator_digest import mail_digest
from tests.support.district_nights import START, Nights, person
from tests.support.servers import RosterDatabase, SmtpServer

CODE = "springfield"
OPS = "ops@rostersync.example"
Place = Callable[..., None]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """`place(code, **fields)` puts a district into a configuration of its own; it starts without any."""
    include = tmp_path / "include"
    (include / "districts").mkdir(parents=True)
    for name in ("waves.yaml", "pools.json", "dictionary", "templates", "migrations", "expectations"):
        (include / name).symlink_to(settings.include_path(name))
    monkeypatch.setenv("ROSTERSYNC_INCLUDE", str(include))

    def write(code: str = CODE, since: datetime = START, **fields: Any) -> None:
        spec = {"code": code, "name": code.title(), "state": "CA", "timezone": "America/Los_Angeles"}
        spec |= {"source": {"file": str(tmp_path / code)}} | fields
        path = include / "districts" / f"{code}.yaml"
        path.write_text(yaml.safe_dump(spec))
        os.utime(path, (since.timestamp(), since.timestamp()))

    return write


@pytest.fixture
def nights(emptied: Nights, place: Place) -> Nights:
    """A night of the district has been, housekeeping too: nothing needs a look."""
    place()
    emptied.ops = (OPS,)
    emptied.seed()
    with emptied.owner.begin() as conn:
        conn.execute(update(t.district).values(created_at=START - timedelta(days=30)))
    night(emptied)
    return emptied


ONE = (person(1),)


def night(nights: Nights, rows: Any = ONE, name: str = "night") -> None:
    """A wave's run, and housekeeping, at the clock's moment."""
    if rows:
        nights.put(rows, at=nights.now)
    nights.sync(f"{name}-{nights.now.isoformat()}")
    housekeeping(nights)


def housekeeping(nights: Nights) -> None:
    date_changes.apply_district_date_changes(nights.services, nights.config)
    with nights.owner.begin() as conn:
        conn.execute(insert(t.sweep).values(district=CODE, legal_hold=False, proof={}, at=nights.now))


def told(nights: Nights, **fields: Any) -> list[tuple[str, str, str]]:
    return [each.about for each in watch(nights.services, **fields)]


def alone(nights: Nights, *codes: str) -> list[tuple[str, str, str]]:
    """The alerts with one of these codes."""
    return [each for each in told(nights) if each[0] in codes]


def change(nights: Nights, table: Any, **values: Any) -> None:
    with nights.owner.begin() as conn:
        conn.execute(update(table).values(**values).where(table.c.district == CODE))


def test_nothing_is_told_after_a_good_night(nights: Nights) -> None:
    assert told(nights) == []


def of_delivery(**values: Any) -> Callable[[Nights], None]:
    return lambda nights: change(nights, t.delivery, **values)


def of_mail(age: timedelta, **values: Any) -> Callable[[Nights], None]:
    """What happened to the district's mails."""
    return lambda nights: change(nights, t.message, created_at=nights.now - age, **values)


def of_drops(age: timedelta, state: str) -> Callable[[Nights], None]:
    """What happened to the one file on its way into the district's reports folder."""
    return lambda nights: change(nights, t.report_drop, created_at=nights.now - age, state=state)


HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONG_AGO = START - timedelta(hours=13)
JUST_NOW = START - timedelta(hours=11)


LEFT: list[tuple[Callable[[Nights], None], str | None]] = [
    (of_delivery(state="failed", claimed_at=LONG_AGO), "delivery-failed"),
    (of_delivery(state="failed", claimed_at=JUST_NOW), None),
    (of_delivery(state="validated", claimed_at=LONG_AGO), "delivery-stuck"),
    (of_delivery(state="pulled", claimed_at=None, landed_at=LONG_AGO), "delivery-stuck"),
    (of_delivery(state="pulled", claimed_at=JUST_NOW, landed_at=LONG_AGO), None),
    (of_mail(3 * HOUR, state="queued"), "mail-waiting"),
    (of_mail(3 * HOUR, state="sending"), "mail-waiting"),
    (of_mail(HOUR, state="queued"), None),
    (of_mail(5 * HOUR, state="deferred"), "mail-deferred"),
    (of_mail(3 * HOUR, state="deferred"), None),
    (of_mail(6 * DAY, state="refused"), "mail-refused"),
    (of_mail(8 * DAY, state="refused"), None),
    (of_mail(6 * DAY, state="unknown"), "mail-unknown"),
    (of_mail(6 * DAY, state="sent"), None),
    (of_drops(5 * HOUR, "queued"), "drop-deferred"),
    (of_drops(5 * HOUR, "deferred"), "drop-deferred"),
    (of_drops(3 * HOUR, "deferred"), None),
    (of_drops(6 * DAY, "refused"), "drop-refused"),
    (of_drops(8 * DAY, "refused"), None),
    (of_drops(6 * DAY, "dropped"), None),
]


def enter_drop(nights: Nights) -> None:
    """A file of some report of the district."""
    with nights.owner.begin() as conn:
        report = conn.scalars(select(t.report.c.id).where(t.report.c.district == CODE)).first()
        file = {"report": report, "name": "users-errors.csv", "district": CODE}
        conn.execute(insert(t.report_file).values(**file, media_type="text/csv", content=b"x", attached=False))
        conn.execute(insert(t.report_drop).values(**file, target="x.csv", state="dropped"))


def test_what_is_left_unfinished_is_told_after_a_while(nights: Nights) -> None:
    enter_drop(nights)
    for number, (make, code) in enumerate(LEFT):
        of_delivery(state="applied")(nights)
        change(nights, t.message, state="sent")
        change(nights, t.report_drop, state="dropped")
        make(nights)
        expected = [(code, CODE)] if code else []
        assert (number, [(each[0], each[1]) for each in told(nights)]) == (number, expected)


def test_a_failed_delivery_is_forgotten_when_a_later_content_was_applied(nights: Nights) -> None:
    of_delivery(state="failed", claimed_at=LONG_AGO)(nights)
    nights.now += HOUR
    night(nights, [person(1), person(2)])
    assert told(nights) == []


def test_a_held_delivery_is_told_after_three_days(nights: Nights) -> None:
    night(nights, [person(n) for n in range(1, 9)], "staff")
    leaving = [{"action": "REMOVE-USER", "schoolId": "100", "userId": f"u{n}"} for n in range(1, 7)]
    night(nights, leaving, "leaving")
    nights.now += 3 * DAY
    assert alone(nights, "delivery-held") == []
    nights.now += HOUR
    [(_, district, delivery)] = alone(nights, "delivery-held")
    assert (district, delivery.startswith(f"{CODE}-")) == (CODE, True)


def days_without_file(nights: Nights, days: int) -> None:
    (nights.inbox / "users.csv").unlink(missing_ok=True)
    for _ in range(days):
        nights.now += DAY
        night(nights, ())


def test_an_inbox_without_a_file_is_told_when_the_days_are_over(nights: Nights) -> None:
    days_without_file(nights, 3)
    assert told(nights) == []  # two whole days, and the one that has begun
    days_without_file(nights, 1)
    assert told(nights) == [("no-file", CODE, "")]
    nights.put([person(1)], at=nights.now)
    night(nights)
    assert told(nights) == []


def test_days_of_a_blackout_do_not_count_and_what_waits_for_its_end_is_not_stuck(nights: Nights, place: Place) -> None:
    days_without_file(nights, 6)
    assert alone(nights, "no-file") != []
    place(blackouts=[{"start": date(2026, 11, 24), "end": date(2026, 11, 27)}])
    assert told(nights) == []
    place(blackouts=[{"start": date(2026, 11, 24), "end": date(2026, 11, 28)}])
    of_delivery(state="pulled", claimed_at=None, landed_at=LONG_AGO)(nights)
    assert alone(nights, "delivery-stuck") == []
    nights.now += 2 * DAY
    assert len(alone(nights, "delivery-stuck")) == 1


def test_a_district_may_have_more_quiet_days(nights: Nights, place: Place) -> None:
    days_without_file(nights, 6)
    place(limits={"quiet_days": 20})
    assert told(nights) == []


def test_a_district_of_which_no_file_was_ever_seen_is_told_by_another_code(nights: Nights) -> None:
    change(nights, t.arrival, name=None)
    nights.now += 4 * DAY
    assert alone(nights, "no-file", "never-seen") == [("never-seen", CODE, "")]


def test_a_wave_that_did_not_start_is_told_and_not_each_of_its_districts(nights: Nights, place: Place) -> None:
    """The wave starts at 1:30 AM in New York, half an hour before the clock of the test's first night."""
    place("elsewhere")
    nights.now = datetime.fromisoformat("2026-11-25T09:29:00+00:00")
    assert alone(nights, "wave-missed", "not-looked-at") == []
    nights.now = datetime.fromisoformat("2026-11-25T09:31:00+00:00")
    assert alone(nights, "wave-missed", "not-looked-at") == [("wave-missed", "", "nightly")]


def test_an_inbox_that_was_not_read_while_others_were_is_told(nights: Nights, place: Place) -> None:
    nights.now += 4 * HOUR
    place("elsewhere")
    assert alone(nights, "not-looked-at") == []  # it may have come to the configuration since the wave's start
    place("elsewhere", since=START - 4 * DAY)
    assert alone(nights, "not-looked-at") == [("not-looked-at", "elsewhere", "")]
    place("elsewhere", since=START - 4 * DAY, enabled=False)
    assert alone(nights, "not-looked-at") == []


def test_a_wrong_configuration_is_told_and_hides_nothing_about_the_others(nights: Nights, place: Place) -> None:
    place("elsewhere", timezone="Nowhere/Never")
    of_mail(6 * DAY, state="refused")(nights)
    assert told(nights) == [("misconfigured", "elsewhere", ""), ("mail-refused", CODE, "")]


def test_a_district_whose_file_is_gone_is_told_while_its_data_is_there(nights: Nights) -> None:
    settings.include_path("districts", f"{CODE}.yaml").unlink()
    assert told(nights) == [("misconfigured", CODE, "")]


def test_housekeeping_that_does_not_run_is_told(nights: Nights) -> None:
    nights.now += DAY
    assert alone(nights, "dates-missed", "sweep-missed") == []
    nights.now += DAY + HOUR
    assert alone(nights, "dates-missed", "sweep-missed") == [("dates-missed", CODE, ""), ("sweep-missed", "", "")]


def test_pools_that_airflow_does_not_have_are_told(nights: Nights) -> None:
    assert told(nights, missing_pools=["sftp", "smtp"]) == [("pool-missing", "", "sftp"), ("pool-missing", "", "smtp")]


def test_every_code_of_the_catalogue_says_where_what_and_what_to_do() -> None:
    assert all(entry.message.endswith((".", "{reason}")) and entry.resolution for entry in alert_texts().values())
    assert all(code == code.lower() and "_" not in code for code in alert_texts())


@pytest.fixture
def mailed(nights: Nights, smtp_server: SmtpServer) -> Callable[[], list[str]]:
    """`mailed()` watches, mails, and gives the subjects that came."""
    nights.sender = SmtpSender(smtp_server.url)

    def subjects() -> list[str]:
        smtp_server.accepted.clear()
        mail_digest(nights.services, watch(nights.services))
        assert {recipient for each in smtp_server.accepted for recipient in each.recipients} <= {OPS}
        return [each.message["Subject"] for each in smtp_server.accepted]

    return subjects


def test_the_digest_comes_once_for_each_set_of_alerts_and_when_all_is_well_again(
    nights: Nights, mailed: Callable[[], list[str]]
) -> None:
    assert mailed() == []
    of_mail(5 * HOUR, state="deferred")(nights)
    assert mailed() == ["Rostersync: 1 thing needs a look"]
    assert mailed() == []
    nights.now += HOUR
    of_delivery(state="failed", claimed_at=LONG_AGO)(nights)
    assert mailed() == ["Rostersync: 2 things need a look"]
    of_delivery(state="applied")(nights)
    assert mailed() == []  # that set was told of today
    change(nights, t.message, state="sent")
    assert mailed() == ["Rostersync: everything is fine again"]
    assert mailed() == []
    nights.now += DAY
    night(nights)
    of_mail(5 * HOUR, state="deferred")(nights)
    assert mailed() == ["Rostersync: 1 thing needs a look"]


def test_without_operators_nothing_is_mailed(nights: Nights) -> None:
    nights.ops = ()
    of_mail(5 * HOUR, state="deferred")(nights)
    assert mail_digest(nights.services, watch(nights.services)) is False


def test_the_command_prints_json_and_its_exit_code_says_whether_something_needs_a_look(
    place: Place,
    roster_database: RosterDatabase,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ROSTERSYNC_DATABASE_URL", roster_database.url)
    assert (cli.run(["watch"]), capsys.readouterr().out) == (0, "Nothing needs a look.\n")
    place()
    assert cli.run(["watch", "--format", "json"]) == 1
    [found] = json.loads(capsys.readouterr().out)
    assert list(found) == ["code", "district", "subject", "message", "resolution", "page"]
    assert (found["code"], found["subject"]) == ("wave-missed", "nightly")
    assert found["page"] == "docs/runbook/wave-missed.md"
    assert cli.run(["watch", "--mail"]) == 4  # nobody is named to write to
    monkeypatch.setenv("ROSTERSYNC_DATABASE_URL", "postgresql+psycopg://x@127.0.0.1:1/x")
    assert cli.run(["watch"]) == 5
    assert cli.run(["watch", "--nonsense"]) == 4

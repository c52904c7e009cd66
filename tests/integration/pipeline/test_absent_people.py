"""Active people whom a file does not name any more: told, listed ready to be sent back, and removed by nobody else."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import insert, update

from rostersync.configuration.dictionary import load_dictionary
from rostersync.configuration.districts import District
from rostersync.database import tables as t
from rostersync.mailing import SmtpSender
from rostersync.model import Outcome
from rostersync.operations.replaying import replay
from rostersync.pipeline import SyncResult
from tests.support.district_nights import Nights, district, person, teaching, users_csv
from tests.support.servers import SmtpServer
from tests.support.spreadsheets import as_csv, cells_of_book
from tests.support.workbooks import of_csv

CODE = "people-not-in-file"
CSV, BOOK = "users-not-in-file.csv", "users-not-in-file.xlsx"
Rows = Sequence[Mapping[str, str]]


@pytest.fixture
def town(emptied: Nights, smtp_server: SmtpServer) -> Nights:
    """Ten people of the files; mails go to the SMTP server."""
    smtp_server.forget()
    emptied.seed()
    emptied.sender = SmtpSender(smtp_server.url)
    night(emptied, everybody())
    smtp_server.forget()
    return emptied


def everybody(*, but: Sequence[int] = ()) -> list[dict[str, str]]:
    return [person(number) for number in range(1, 11) if number not in but]


def night(nights: Nights, rows: Rows | bytes, name: str = "users.csv") -> SyncResult:
    nights.now += timedelta(days=1)
    nights.put(rows, name)
    return nights.sync(f"night-{nights.now:%d}")[-1]


def codes(result: SyncResult) -> list[str]:
    return [finding.code for finding in result.findings]


def mail(smtp: SmtpServer) -> EmailMessage:
    """The only mail that the office got since the server forgot."""
    [accepted] = (one for one in smtp.accepted if "office@springfield.example" in one.recipients)
    return accepted.message


def files(message: EmailMessage) -> dict[str, bytes]:
    return {str(part.get_filename()): part.get_payload(decode=True) for part in message.iter_attachments()}  # type: ignore[misc]  # bytes


def listed(message: EmailMessage) -> list[tuple[str, str, str]]:
    """(action, school, person) of each row of the list."""
    if CSV not in files(message):
        return []
    rows = csv.DictReader(io.StringIO(files(message)[CSV].decode("utf-8-sig")))
    return [(row["action"], row["schoolId"], row["userId"]) for row in rows]


def people_listed(smtp: SmtpServer) -> list[str]:
    return [user for _, _, user in listed(mail(smtp))]


def test_who_left_by_a_deleted_row_is_told_and_listed_and_stays(town: Nights, smtp_server: SmtpServer) -> None:
    result = night(town, everybody(but=[3, 7]))
    assert (result.outcome, codes(result)) == (Outcome.APPLIED, [CODE])
    assert result.findings[0].flat == (None, None, CODE)
    assert result.findings[0].detail == {"count": 2, "of": 10}
    assert listed(mail(smtp_server)) == [("REMOVE-USER", "100", "u3"), ("REMOVE-USER", "100", "u7")]
    assert len(town.people()) == 10


@pytest.mark.parametrize("way", [CSV, BOOK])
def test_the_list_without_those_who_stay_is_sent_back_and_the_others_are_gone(
    town: Nights, smtp_server: SmtpServer, way: str
) -> None:
    night(town, everybody(but=[3, 7]))
    sent = files(mail(smtp_server))[way]
    if way == CSV:
        lines = sent.split(b"\r\n")
        back, name = b"\r\n".join(line for line in lines if b'"u7"' not in line), "users.csv"
    else:
        cells = [row for row in cells_of_book(sent) if "u7" not in row]
        back, name = of_csv(as_csv(cells)), "users.xlsx"
        (town.inbox / "users.csv").unlink()
    smtp_server.forget()
    result = night(town, back, name)
    assert (result.outcome, codes(result)) == (Outcome.APPLIED, [])
    assert "u3" not in town.people()
    assert "u7" in town.people()
    assert listed(mail(smtp_server)) == []


def test_the_next_full_file_lists_only_who_is_still_there(town: Nights, smtp_server: SmtpServer) -> None:
    night(town, everybody(but=[3, 7]))
    night(town, [person(3, action="REMOVE-USER")])
    smtp_server.forget()
    night(town, [*everybody(but=[3, 7]), person(11)])
    assert people_listed(smtp_server) == ["u7"]


def test_a_supplement_says_nothing_of_the_others(town: Nights) -> None:
    assert codes(night(town, everybody(but=range(1, 6)))) == []
    assert codes(night(town, everybody(but=range(1, 5)))) == [CODE]


@pytest.mark.parametrize(
    "row",
    [
        person(3, userGrade="5"),
        person(3, userId="x9"),
        person(3, userId="U3", userEmail="other@springfield.example"),
        person(3, userId="x9", userFirstName="Somebody", userLastName="Else"),
        person(3, action="REMOVE-USER", schoolId="200"),
    ],
    ids=["rejected", "corrected ID", "other case", "address of another", "a removal that fails"],
)
def test_nobody_is_listed_whom_another_row_names(town: Nights, smtp_server: SmtpServer, row: dict[str, str]) -> None:
    night(town, [*everybody(but=[3, 7]), row])
    assert people_listed(smtp_server) == ["u7"]


def test_a_row_with_a_cell_too_many_names_its_person(town: Nights, smtp_server: SmtpServer) -> None:
    data = users_csv(everybody(but=[3, 7])) + b",100,u3,Teacher,Ada3" + b",x" * 40 + b"\r\n"
    result = night(town, data)
    assert "row-cell-count" in codes(result)
    assert people_listed(smtp_server) == ["u7"]


def test_people_of_the_source_and_by_hand_and_ended_ones_are_never_listed(
    town: Nights, smtp_server: SmtpServer
) -> None:
    with town.owner.begin() as conn:
        of = t.person.c
        for number, owner in ((3, "source"), (4, "manual")):
            conn.execute(update(t.person).where(of.user_id == f"u{number}").values(owner=owner))
    night(town, [person(5, action="REMOVE-USER")])
    smtp_server.forget()
    night(town, everybody(but=[3, 4, 5, 6]))
    assert people_listed(smtp_server) == ["u6"]


def test_who_cannot_be_removed_by_a_file_is_not_listed(town: Nights, smtp_server: SmtpServer) -> None:
    with town.owner.begin() as conn:
        conn.execute(update(t.placement).where(t.placement.c.user_id == "u3").values(owner="manual"))
    night(town, everybody(but=[3, 7]))
    assert people_listed(smtp_server) == ["u7"]


def test_somebody_at_two_schools_is_one_person_with_two_rows(town: Nights, smtp_server: SmtpServer) -> None:
    night(town, [*everybody(), person(3, schoolId="200")])
    smtp_server.forget()
    result = night(town, everybody(but=[3]))
    assert result.findings[0].detail == {"count": 1, "of": 10}
    assert listed(mail(smtp_server)) == [("REMOVE-USER", "100", "u3"), ("REMOVE-USER", "200", "u3")]


def test_another_file_of_the_same_look_speaks_for_its_people(town: Nights, smtp_server: SmtpServer) -> None:
    (town.inbox / "users.csv").unlink()
    town.now += timedelta(days=1)
    town.put(everybody(but=[3, 7, 8]), "users-elementary.csv")
    town.put([person(3), person(8, userGrade="5")], "users-high.csv")
    results = town.sync("both")
    assert [CODE in codes(result) for result in results] == [True, False]
    lists = [listed(accepted.message) for accepted in smtp_server.accepted]
    assert [[user for _, _, user in rows] for rows in lists if rows] == [["u7"]]


def test_an_earlier_edition_left_in_place_speaks_for_nobody(town: Nights, smtp_server: SmtpServer) -> None:
    night(town, everybody(but=[3]), "users-2026-12.csv")
    assert people_listed(smtp_server) == ["u3"]


def test_a_file_beside_it_that_cannot_be_read_may_name_anybody(town: Nights) -> None:
    (town.inbox / "users.csv").unlink()
    town.now += timedelta(days=1)
    town.put(everybody(but=[3]), "users-1.csv")
    town.put(b"userId,Name\r\nu3,Ada\r\n", "users-2.csv")
    assert all(CODE not in codes(result) for result in town.sync("both"))


def test_a_held_file_tells_it_once_it_is_applied(town: Nights) -> None:
    leaving = [person(number, action="REMOVE-USER") for number in range(1, 7)]
    result = night(town, [*leaving, person(8), person(9), person(10)])
    assert (result.outcome, CODE in codes(result)) == (Outcome.HELD, False)


def test_an_older_file_says_nothing(town: Nights) -> None:
    town.put(everybody(but=[3]), "users-old.csv", at=town.now - timedelta(days=30))
    town.now += timedelta(days=1)
    results = town.sync("old", force=True, reason="test")
    assert all(CODE not in codes(result) for result in results)


def test_the_district_may_not_want_to_know(town: Nights) -> None:
    fields = {"policies": {"report_absent": False}}
    town.config = district(town.inbox, **fields)
    assert codes(night(town, everybody(but=[3]))) == []


@pytest.mark.parametrize("way", ["sftp", "counts-only"])
def test_contacts_get_it_as_they_want_it(town: Nights, smtp_server: SmtpServer, way: str) -> None:
    town.config = wanting(town, way)
    night(town, everybody(but=[3]))
    assert files(mail(smtp_server)) == {}
    dropped = sorted(path.name.partition("-1-")[2] for path in (town.inbox / "reports").glob("*"))
    assert dropped == ([CSV, BOOK] if way == "sftp" else [])


def wanting(nights: Nights, way: str) -> District:
    contact = {"address": "office@springfield.example", "name": "Office", "delivery": way}
    return district(nights.inbox, contacts=[contact])


def test_the_same_file_left_in_place_tells_it_once(town: Nights, smtp_server: SmtpServer) -> None:
    night(town, everybody(but=[3]))
    smtp_server.forget()
    with town.owner.begin() as conn:
        name = {"role": "Teacher", "first_name": "New", "last_name": "One"}
        mail_of = {"email": "new@springfield.example", "email_key": "new@springfield.example"}
        conn.execute(insert(t.person).values(district="springfield", user_id="n1", owner="file", **name, **mail_of))
    for _ in range(2):
        town.now += timedelta(days=1)
        assert [result.outcome for result in town.sync(f"again-{town.now:%d}")] == [Outcome.DUPLICATE]
    assert smtp_server.accepted == []


def test_a_replay_renders_nothing_new_and_keeps_the_list(town: Nights, smtp_server: SmtpServer) -> None:
    result = night(town, everybody(but=[3, 7]))
    assert result.delivery
    smtp_server.forget()
    replayed = replay(town.services, result.delivery)
    assert (replayed.rendered, replayed.queued, replayed.sent_before) == (0, 0, 1)


def test_a_formula_like_id_comes_back_as_it_was(town: Nights) -> None:
    night(town, [*everybody(), person(11, userId="-11", userLastName="=Quimby")])
    before = town.people()
    night(town, everybody()[1:])
    sent = newest_list(town)
    assert b"'-11" in sent
    result = night(town, sent)
    assert (result.outcome, codes(result)) == (Outcome.APPLIED, [])
    assert sorted({*before} - {*town.people()}) == ["-11", "u1"]


def newest_list(nights: Nights) -> bytes:
    with nights.owner.connect() as conn:
        wanted = t.report_file.select().where(t.report_file.c.name == CSV)
        return bytes(conn.execute(wanted).all()[-1].content)


def test_the_list_has_all_headers_and_no_class(town: Nights, smtp_server: SmtpServer) -> None:
    night(town, [*everybody(), teaching(3, "R1", staffType="Volunteer")])
    smtp_server.forget()
    night(town, everybody(but=[3]))
    [header, row] = csv.reader(io.StringIO(files(mail(smtp_server))[CSV].decode("utf-8-sig")))
    dictionary = load_dictionary()
    assert header == [*dictionary.headers, *dictionary.report_columns]
    cells = dict(zip(header, row, strict=True))
    assert {name: cells[name] for name in ("schoolName", "userLastName", "userEmail", "staffType", "classId")} == {
        "schoolName": "School 100",
        "userLastName": "Quimby",
        "userEmail": "ada.3@springfield.example",
        "staffType": "Volunteer",
        "classId": "",
    }
    book = cells_of_book(files(mail(smtp_server))[BOOK])
    assert book[0] == [*dictionary.report_columns, *dictionary.headers]

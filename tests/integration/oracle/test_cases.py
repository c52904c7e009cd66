"""Single nights against the oracle in which an earlier plan went wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Engine

from tests.support import strategies
from tests.support.oracle import database as model_database
from tests.support.oracle import model as roster_model
from tests.support.oracle.comparison import assert_adds_up, assert_same, load, rolled_back
from tests.support.oracle.values import MANUAL, SOURCE, Class, Enrollment, Night, Person, Placement, Roster, School
from tests.support.strategies import TODAY

HEADERS = (*strategies.REQUIRED, *strategies.REQUIRED_CLASS)
DATED = (*HEADERS, "userDistrictId", "startDate")
OVER = date(2026, 6, 30)
LATER = date(2027, 1, 10)


def person(user_id: str, first_name: str = "Ada", **values: Any) -> Person:
    address = f"{user_id}@example.org"
    known = {"role": "Teacher", "first_name": first_name, "last_name": "Lovelace"}
    return Person(**(known | {"email": address, "email_key": address} | values))


def roster(*placed: tuple[str, str], **people: Person) -> Roster:
    """Schools S1 and S2, people with their placements."""
    return Roster(
        schools={"S1": School(name="One"), "S2": School(name="Two")},
        people=people,
        placements={key: Placement() for key in placed},
    )


def row(user_id: str, school: str, first_name: str = "Ada", **cells: str) -> dict[str, str]:
    said = {"schoolId": school, "userId": user_id, "userRole": "Teacher", "userFirstName": first_name}
    return dict.fromkeys(DATED, "") | said | {"userLastName": "Lovelace", "userEmail": f"{user_id}@example.org"} | cells


def night(
    superuser_engine: Engine, before: Roster, *table: dict[str, str], headers: tuple[str, ...] = HEADERS
) -> Night:
    """The night by the program, held against the oracle's, which is returned."""
    rows = strategies.as_rows([{header: cells[header] for header in headers} for cells in table])
    expected = roster_model.apply(before, rows, headers=headers, today=TODAY)
    with rolled_back(superuser_engine) as conn:
        model_database.write(conn, before)
        planned = load(conn, rows, headers)
        assert_same(planned, model_database.read(conn, before), expected)
        assert_adds_up(planned, expected)
    return expected


def codes(evaluation: Night) -> set[tuple[int, str]]:
    return {(told.line, told.code) for told in evaluation.findings}


def test_who_is_removed_at_one_school_stays_active_at_another_that_others_name(superuser_engine: Engine) -> None:
    before = roster(("u1", "S1"), ("u1", "S2"), ("u2", "S1"), u1=person("u1"), u2=person("u2", "Mary"))
    evaluation = night(superuser_engine, before, row("u1", "S2", action="REMOVE-USER"), row("u2", "S1", "Mary"))
    assert evaluation.roster.people["u1"].status == "active"


def test_who_is_removed_at_one_school_keeps_the_address_when_others_leave_the_other_school(
    superuser_engine: Engine,
) -> None:
    before = roster(("u1", "S1"), ("u1", "S2"), ("u2", "S2"), u1=person("u1"), u2=person("u2", "Mary"))
    removals = (row("u1", "S1", action="REMOVE-USER"), row("u2", "S2", action="REMOVE-USER"))
    evaluation = night(superuser_engine, before, *removals, row("n1", "S1", "Grace", userEmail="u1@example.org"))
    assert codes(evaluation) == {(4, "email-taken")}


def test_a_corrected_id_frees_nobody_elses_address(superuser_engine: Engine) -> None:
    before = roster(("u1", "S1"), ("u2", "S1"), u1=person("u1"), u2=person("u2", "Mary"))
    rows = (row("n1", "S1", userEmail="u1@example.org"), row("n2", "S1", "Grace", userEmail="u2@example.org"))
    assert codes(night(superuser_engine, before, *rows)) == {(2, "id-corrected"), (3, "email-taken")}


def test_two_ids_may_be_corrected_in_one_file(superuser_engine: Engine) -> None:
    before = roster(("u1", "S1"), ("u2", "S1"), u1=person("u1"), u2=person("u2", "Mary"))
    rows = (row("n1", "S1", userEmail="u1@example.org"), row("n2", "S1", "Mary", userEmail="u2@example.org"))
    assert codes(night(superuser_engine, before, *rows)) == {(2, "id-corrected"), (3, "id-corrected")}


def test_a_kept_secondary_id_is_checked_when_its_person_comes_back(superuser_engine: Engine) -> None:
    before = roster(
        ("u2", "S1"),
        u1=person("u1", status="inactive", user_district_id="d1"),
        u2=person("u2", "Mary", user_district_id="d1", owner=MANUAL),
    )
    for headers in (HEADERS, DATED):
        assert codes(night(superuser_engine, before, row("u1", "S1"), headers=headers)) == {(2, "secondary-id-taken")}


def test_a_row_without_dates_of_its_own_starts_an_ended_assignment_again(superuser_engine: Engine) -> None:
    before = roster(u1=person("u1", status="inactive"))
    before.placements["u1", "S1"] = Placement(end_date=OVER, status="ended")
    reading = {"classId": "C1", "className": "Reading", "classGrade": "3"}
    for headers in (HEADERS, DATED):
        evaluation = night(superuser_engine, before, row("u1", "S1", **reading), headers=headers)
        assert evaluation.roster.placements["u1", "S1"] == Placement()
        assert evaluation.roster.enrollments == {("u1", "C1"): Enrollment()}


def test_a_typed_start_beyond_the_stored_end_takes_the_end_away(superuser_engine: Engine) -> None:
    before = roster(u1=person("u1"))
    before.placements["u1", "S1"] = replace(Placement(), end_date=date(2026, 12, 31))
    evaluation = night(superuser_engine, before, row("u1", "S1", startDate=LATER.isoformat()), headers=DATED)
    assert evaluation.roster.placements["u1", "S1"] == Placement(start_date=LATER, status="planned")


def test_a_class_made_by_hand_is_refused_as_such_though_a_source_person_teaches_it(superuser_engine: Engine) -> None:
    before = roster(("u1", "S1"), u1=person("u1", owner=SOURCE))
    before.classes["C1"] = Class(school_id="S1", name="Reading", owner=MANUAL)
    before.enrollments["u1", "C1"] = Enrollment(owner=SOURCE)
    removal = row("", "S1", action="REMOVE-CLASS", classId="C1")
    assert codes(night(superuser_engine, before, removal)) == {(2, "owned-manually")}


def test_a_typed_start_does_not_contradict_an_end_set_by_hand(superuser_engine: Engine) -> None:
    before = roster(u1=person("u1"))
    before.placements["u1", "S1"] = Placement(end_date=date(2026, 12, 31), sticky=("end_date",))
    evaluation = night(superuser_engine, before, row("u1", "S1", startDate=LATER.isoformat()), headers=DATED)
    assert codes(evaluation) == {(2, "field-sticky")}
    assert evaluation.roster.placements == before.placements


def test_an_address_set_by_hand_frees_nothing_for_others(superuser_engine: Engine) -> None:
    before = roster(("u1", "S1"), ("u2", "S1"), u1=person("u1", sticky=("email",)), u2=person("u2", "Mary"))
    rows = (row("u1", "S1", userEmail="new@example.org"), row("u2", "S1", "Mary", userEmail="u1@example.org"))
    assert codes(night(superuser_engine, before, *rows)) == {(2, "field-sticky"), (3, "email-taken")}

"""The oracle itself, on cases whose answer the specification gives word by word."""

from __future__ import annotations

from datetime import date

from tests.support.oracle import model as roster_model
from tests.support.oracle.values import Class, Enrollment, Night, Person, Placement, Roster, Row, School, Told

TODAY = date(2026, 11, 23)
HEADERS = ("action", "schoolId", "userId", "userRole", "userFirstName", "userLastName", "userEmail")
CLASS_HEADERS = ("classId", "className", "classGrade", "primaryTeacher", "startDate", "endDate")
READING = {"classId": "C1", "className": "Reading", "classGrade": "3"}


def row(line: int, user_id: str = "u1", school: str = "S1", **cells: str) -> Row:
    said = {"schoolId": school, "userId": user_id, "userRole": "Teacher", "userFirstName": "Ada"}
    said |= {"userLastName": "Lovelace", "userEmail": f"{user_id}@example.org"} | cells
    status = said.pop("status", "accepted")
    return Row(line=line, status=status, email_key=said["userEmail"], cells=said)


def person(user_id: str, **values: str) -> Person:
    address = f"{user_id}@example.org"
    known = {"role": "Teacher", "first_name": "Ada", "last_name": "Lovelace", "email": address, "email_key": address}
    return Person(**(known | values))


def roster(*user_ids: str, **values: str) -> Roster:
    """Two schools, and file people placed at S1."""
    return Roster(
        schools={"S1": School(name="One"), "S2": School(name="Two")},
        people={user_id: person(user_id, **values) for user_id in user_ids},
        placements={(user_id, "S1"): Placement() for user_id in user_ids},
    )


def night(before: Roster, *rows: Row) -> Night:
    return roster_model.apply(before, rows, headers=HEADERS + CLASS_HEADERS, today=TODAY)


def errors(evaluation: Night) -> list[tuple[int, str]]:
    return sorted((told.line, told.code) for told in evaluation.findings if told.severity == "row")


def test_a_new_person_with_a_class_is_created_everywhere() -> None:
    evaluation = night(roster(), row(2, **READING))
    assert evaluation.findings == frozenset()
    assert {entity: by["created"] for entity, by in evaluation.counts.items()} == {
        "school": 0,
        "staff": 1,
        "class": 1,
        "enrollment": 1,
    }
    assert evaluation.by_school["S1"]["staff"]["created"] == 1


def test_the_same_file_twice_changes_nothing() -> None:
    rows = (row(2, **READING), row(3, "u2"))
    again = night(night(roster(), *rows).roster, *rows)
    assert not again.changed
    assert again.counts["staff"]["unchanged"] == 2


def test_two_people_may_swap_their_addresses() -> None:
    evaluation = night(roster("u1", "u2"), row(2, userEmail="u2@example.org"), row(3, "u2", userEmail="u1@example.org"))
    assert errors(evaluation) == []
    assert evaluation.roster.people["u1"].email_key == "u2@example.org"


def test_a_rejected_claim_takes_the_ground_from_the_next() -> None:
    before = roster("u1", "u2", "u3")
    chain = (row(2, userEmail="u3@example.org"), row(3, "u2", userEmail="u1@example.org"))
    assert errors(night(before, *chain)) == [(2, "email-taken"), (3, "email-taken")]


def test_an_address_of_another_district_is_taken() -> None:
    before = roster()
    before.taken_elsewhere = frozenset({"u1@example.org"})
    assert errors(night(before, row(2))) == [(2, "email-taken")]


def test_swapped_ids_are_taken_on_both_sides() -> None:
    before = roster("u1", "u2")
    before.people["u2"] = person("u2", first_name="Mary", last_name="Shelley")
    rows = (
        row(2, "u1", userFirstName="Mary", userLastName="Shelley", userEmail="u2@example.org"),
        row(3, "u2", userEmail="u1@example.org"),
    )
    assert errors(night(before, *rows)) == [(2, "id-taken"), (3, "id-taken")]


def test_a_corrected_id_takes_the_records_along() -> None:
    evaluation = night(roster("u1"), row(2, "u9", userEmail="u1@example.org"))
    assert Told(2, "id-corrected", "remark") in evaluation.findings
    assert evaluation.roster.placements == {("u9", "S1"): Placement()}
    assert evaluation.counts["staff"]["updated"] == 1


def test_a_source_person_may_only_be_told_what_is_true() -> None:
    before = roster("u1", owner="source")
    before.placements["u1", "S1"] = Placement(owner="source")
    assert night(before, row(2)).findings == {Told(2, "person-owned-by-source", "remark")}
    assert errors(night(before, row(2, userFirstName="Eve"))) == [(2, "person-owned-by-source")]
    assert errors(night(before, row(2, school="S2"))) == [(2, "person-owned-by-source")]


def test_removing_a_user_ends_what_they_have_at_the_school() -> None:
    before = night(roster(), row(2, **READING)).roster
    evaluation = night(before, row(2, action="REMOVE-USER"))
    assert evaluation.roster.people["u1"].status == "inactive"
    assert evaluation.counts["staff"]["removed"] == 1
    assert evaluation.counts["enrollment"]["removed"] == 1
    assert not night(evaluation.roster, row(2, action="REMOVE-USER")).changed


def test_a_class_with_somebody_of_the_source_cannot_be_removed() -> None:
    before = roster("u1")
    before.classes["C1"] = Class(school_id="S1", name="Reading", grade="3")
    before.enrollments["u1", "C1"] = Enrollment(owner="source")
    assert errors(night(before, row(2, action="REMOVE-CLASS", classId="C1"))) == [(2, "class-owned-by-source")]


def test_a_row_names_an_ended_assignment_anew() -> None:
    before = roster("u1", status="inactive")
    before.placements["u1", "S1"] = Placement(end_date=date(2026, 6, 30), status="ended")
    evaluation = night(before, row(2, **READING))
    assert evaluation.roster.people["u1"].status == "active"
    assert evaluation.roster.placements["u1", "S1"] == Placement()


def test_a_rejected_row_counts_only_where_no_other_names_the_same() -> None:
    evaluation = night(
        roster(), row(2), row(3, status="rejected"), row(4, "", "", status="rejected"), row(5, "u5", "S9")
    )
    assert evaluation.rows == {"read": 4, "accepted": 1, "rejected": 3, "set_aside": 0}
    assert evaluation.counts["staff"] == {"created": 1, "updated": 0, "unchanged": 0, "removed": 0, "errors": 2}
    assert evaluation.counts["school"] == {"created": 0, "updated": 0, "unchanged": 1, "removed": 0, "errors": 2}
    assert evaluation.by_school["(none)"]["staff"]["errors"] == 1
    assert sum(evaluation.distinct.values()) == sum(sum(by.values()) for by in evaluation.counts.values())

"""Who is this row about? Rule by rule as the dictionary page orders them, with the roster before and after."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from rostersync import database
from rostersync.applying import apply
from rostersync.catalogue import findings
from rostersync.configuration import dictionary
from rostersync.model import Finding
from rostersync.planning import Plan, PlanContext, lock_district, plan
from rostersync.screening import normalize
from tests.support.factories import reading_of
from tests.support.logins import acting_as
from tests.support.oracle import database as model_database
from tests.support.oracle.comparison import rolled_back
from tests.support.oracle.values import MANUAL, SOURCE, Class, Enrollment, Person, Placement, Roster, School
from tests.support.servers import fresh_database
from tests.support.strategies import TODAY

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from rostersync.embedded_postgres.server import Server

HEADERS = (
    "action",
    "schoolId",
    "userId",
    "userDistrictId",
    "userRole",
    "userFirstName",
    "userLastName",
    "userEmail",
    "classId",
    "className",
    "classGrade",
    "primaryTeacher",
)
READING = {"classId": "C1", "className": "Reading", "classGrade": "3", "primaryTeacher": "No"}
Told = tuple[int | None, str | None, str]


@pytest.fixture(scope="module")
def town(postgres: Server) -> Iterator[Engine]:
    """One database for all tests here: each is rolled back."""
    with fresh_database(postgres) as made:
        engine = database.engine(made.superuser_url)
        yield engine
        engine.dispose()


@pytest.fixture
def conn(town: Engine) -> Iterator[Connection]:
    with rolled_back(town) as connection:
        yield connection


def somebody(user_id: str, first: str = "Ada", last: str = "Lovelace", **values: str | None) -> Person:
    """An active person of the files whose address is their userId's."""
    address = f"{user_id}@example.org".lower()
    known = {"role": "Teacher", "first_name": first, "last_name": last, "email": address, "email_key": address}
    return Person(**(known | values))


def roster(**people: Person) -> Roster:
    """These people; the active ones work at school S1 and teach class C1."""
    active = [who for who, known in people.items() if known.status == "active"]
    return Roster(
        schools={"S1": School(name="One"), "S2": School(name="Two")},
        people=people,
        placements={(who, "S1"): Placement(owner=people[who].owner) for who in active},
        classes={"C1": Class(school_id="S1", name="Reading", grade="3")},
        enrollments={(who, "C1"): Enrollment(owner=people[who].owner) for who in active},
    )


def row(user_id: str, first: str = "Ada", last: str = "Lovelace", **cells: str) -> dict[str, str]:
    """A row that places the person at S1; what it says of them is what `somebody` is."""
    said = {"schoolId": "S1", "userId": user_id, "userRole": "Teacher", "userFirstName": first, "userLastName": last}
    return said | {"userEmail": f"{user_id}@example.org"} | cells


@dataclass(frozen=True, kw_only=True)
class Night:
    """What a file came to."""

    planned: Plan
    after: Roster

    @property
    def told(self) -> list[Told]:
        return [finding.flat for finding in self.planned.findings]

    def only(self) -> Finding:
        (finding,) = self.planned.findings
        return finding


def night(conn: Connection, before: Roster, *rows: dict[str, str]) -> Night:
    """The file of these rows, cleaned as every file is, planned and applied to this roster."""
    model_database.write(conn, before)
    words = dictionary.load_dictionary()
    staged = normalize.staging_rows(reading_of(*rows, headers=HEADERS), words, ())
    with acting_as(conn, "roster_sync", model_database.DISTRICT):
        lock_district(conn, model_database.DISTRICT)
        planned = plan(conn, PlanContext(district=model_database.DISTRICT, dictionary=words, today=TODAY), staged)
        apply(planned, delivery="d-1", attempt=1, actor="test")
    return Night(planned=planned, after=model_database.read(conn, before))


def changed(before: Roster, **people: Person) -> Roster:
    """The roster with these people instead, and all else as it was."""
    after = before.copy()
    after.people |= people
    return after


def moved(*people: str) -> list[Told]:
    return [(line, "userEmail", "email-changed") for line, _ in enumerate(people, start=2)]


# 1: the exact userId


def test_the_exact_id_says_who_it_is_whatever_the_name(conn: Connection) -> None:
    before = roster(u1=somebody("u1"))
    evaluation = night(conn, before, row("u1", "Augusta", "King"))
    assert evaluation.told == []
    assert evaluation.after == changed(before, u1=somebody("u1", "Augusta", "King"))


def test_the_exact_id_comes_before_its_twin_in_other_case(conn: Connection) -> None:
    before = roster(Ab=somebody("Ab"), aB=somebody("aB", "Mary", email="m@example.org", email_key="m@example.org"))
    evaluation = night(conn, before, row("aB", "Mary", "Shelley", userEmail="m@example.org"))
    assert evaluation.told == []
    assert evaluation.after == changed(before, aB=replace(before.people["aB"], last_name="Shelley"))


# 2 and 3: mistyped IDs


def test_an_id_in_other_case_is_refused_and_the_known_one_named(conn: Connection) -> None:
    before = roster(Ab=somebody("Ab"))
    evaluation = night(conn, before, row("AB"))
    assert evaluation.told == [(2, "userId", "id-case-differs")]
    assert evaluation.only().detail["known"] == "Ab"
    assert evaluation.after == before


def test_an_id_without_its_leading_zeros_is_refused_and_the_known_one_named(conn: Connection) -> None:
    before = roster(**{"0042": somebody("0042")})
    evaluation = night(conn, before, row("42"))
    assert evaluation.told == [(2, "userId", "cell-leading-zero-lost")]
    assert evaluation.only().detail["known"] == "0042"
    assert evaluation.after == before


def test_a_mistyped_id_is_no_correction(conn: Connection) -> None:
    """The same address and name as the person whose zeros were lost: still the zeros."""
    before = roster(**{"0042": somebody("0042")})
    evaluation = night(conn, before, row("42", userEmail="0042@example.org"))
    assert evaluation.told == [(2, "userId", "cell-leading-zero-lost")]
    assert evaluation.after == before


def test_zeros_that_were_never_there_make_another_id(conn: Connection) -> None:
    before = roster(**{"42": somebody("42")})
    evaluation = night(conn, before, row("0042", "Mary"))
    assert evaluation.told == []
    assert evaluation.after.people == {"42": before.people["42"], "0042": somebody("0042", "Mary")}


# 4: a corrected ID


def test_an_unknown_id_with_a_file_persons_address_and_name_corrects_the_id(conn: Connection) -> None:
    before = roster(u1=somebody("u1"))
    evaluation = night(conn, before, row("n1", userEmail="u1@example.org"))
    assert evaluation.told == [(2, "userId", "id-corrected")]
    assert evaluation.only().detail["old"] == "u1"
    assert evaluation.after.people == {"n1": before.people["u1"]}
    assert evaluation.after.placements == {("n1", "S1"): Placement()}
    assert evaluation.after.enrollments == {("n1", "C1"): Enrollment()}


def test_an_id_is_not_corrected_while_the_file_names_the_old_one(conn: Connection) -> None:
    before = roster(u1=somebody("u1"))
    evaluation = night(conn, before, row("u1", schoolId="S2"), row("n1", userEmail="u1@example.org"))
    assert evaluation.told == [(3, "userEmail", "email-taken")]
    assert set(evaluation.after.people) == {"u1"}


def test_an_id_is_not_corrected_for_somebody_of_another_name(conn: Connection) -> None:
    before = roster(u1=somebody("u1"))
    evaluation = night(conn, before, row("n1", "Augusta", userEmail="u1@example.org"))
    assert evaluation.told == [(2, "userEmail", "email-taken")]
    assert evaluation.after == before


@pytest.mark.parametrize("owner", [SOURCE, MANUAL])
def test_ids_of_others_are_not_corrected_by_a_file(conn: Connection, owner: str) -> None:
    before = roster(u1=somebody("u1", owner=owner))
    evaluation = night(conn, before, row("n1", userEmail="u1@example.org"))
    assert evaluation.told == [(2, "userEmail", "email-taken")]
    assert evaluation.after == before


def test_who_comes_back_under_a_corrected_id_is_the_same_person(conn: Connection) -> None:
    before = roster(u1=somebody("u1", status="inactive"))
    evaluation = night(conn, before, row("n1", userEmail="u1@example.org"))
    assert evaluation.told == [(2, "userId", "id-corrected"), (2, "userId", "reactivated")]
    assert evaluation.after.people == {"n1": somebody("u1")}


# 5: somebody else's address


def test_an_address_taken_in_the_district_says_by_whom(conn: Connection) -> None:
    before = roster(u1=somebody("u1"))
    evaluation = night(conn, before, row("n1", "Mary", "Shelley", userEmail="U1@Example.ORG"))
    assert evaluation.told == [(2, "userEmail", "email-taken")]
    assert "userId u1" in findings.message(evaluation.only())
    assert evaluation.after == before


def test_an_address_taken_elsewhere_reveals_nothing(conn: Connection) -> None:
    before = replace(roster(u1=somebody("u1")), taken_elsewhere=frozenset({"zed@example.org"}))
    evaluation = night(conn, before, row("n1", "Mary", "Shelley", userEmail="zed@example.org"))
    assert evaluation.told == [(2, "userEmail", "email-taken")]
    assert evaluation.only().detail["whom"] == "somebody else"
    assert "x0" not in str(evaluation.only().detail)
    assert evaluation.after == before


def test_the_address_of_somebody_who_left_is_free(conn: Connection) -> None:
    before = roster(u1=somebody("u1", status="inactive"))
    evaluation = night(conn, before, row("n1", "Mary", "Shelley", userEmail="u1@example.org"))
    assert evaluation.told == []
    gone, new = before.people["u1"], somebody("u1", "Mary", "Shelley")
    assert evaluation.after.people == {"u1": gone, "n1": new}


# 6: a new person


def test_an_id_and_address_nobody_has_make_a_new_person(conn: Connection) -> None:
    before = roster(u1=somebody("u1"))
    evaluation = night(conn, before, row("n1"))
    assert evaluation.told == []
    assert evaluation.after.people == {"u1": before.people["u1"], "n1": somebody("n1")}
    assert evaluation.after.placements == before.placements | {("n1", "S1"): Placement()}


# id-taken


def test_an_id_is_not_used_again_for_somebody_else(conn: Connection) -> None:
    for status in ("active", "inactive"):
        with conn.begin_nested() as savepoint:
            before = roster(u1=somebody("u1", status=status))
            evaluation = night(conn, before, row("u1", "Mary", "Shelley", userEmail="mary@example.org"))
            assert evaluation.told == [(2, "userId", "id-taken")]
            assert evaluation.after == before
            savepoint.rollback()


@pytest.mark.parametrize(
    "same", [{"userEmail": "u1@example.org"}, {"userFirstName": "Ada"}, {"userLastName": "Lovelace"}], ids=str
)
def test_one_thing_in_common_is_enough_to_be_the_same_person(conn: Connection, same: dict[str, str]) -> None:
    before = roster(u1=somebody("u1"))
    evaluation = night(conn, before, row("u1", "Mary", "Shelley", userEmail="mary@example.org") | same)
    assert "id-taken" not in {code for _, _, code in evaluation.told}
    assert evaluation.after != before


def test_two_ids_swapped_are_taken_on_both_rows(conn: Connection) -> None:
    before = roster(u1=somebody("u1"), u2=somebody("u2", "Mary", "Shelley"))
    swapped = (
        row("u1", "Mary", "Shelley", userEmail="u2@example.org"),
        row("u2", "Ada", "Lovelace", userEmail="u1@example.org"),
    )
    evaluation = night(conn, before, *swapped)
    assert evaluation.told == [(2, "userId", "id-taken"), (3, "userId", "id-taken")]
    assert evaluation.after == before


# The roster as it will be: addresses


THREE = {"u1": "Ada", "u2": "Mary", "u3": "Grace"}


def three() -> Roster:
    return roster(**{who: somebody(who, first) for who, first in THREE.items()})


def passed_on(**giver: str) -> list[dict[str, str]]:
    """Rows that give each person the address of `giver`."""
    return [row(who, THREE[who], userEmail=f"{whose}@example.org") for who, whose in giver.items()]


def with_addresses(before: Roster, **giver: str) -> Roster:
    people = {
        who: replace(before.people[who], email=f"{whose}@example.org", email_key=f"{whose}@example.org")
        for who, whose in giver.items()
    }
    return changed(before, **people)


@pytest.mark.parametrize(
    "giver",
    [
        {"u1": "u2", "u2": "u1"},
        {"u1": "u2", "u2": "u3", "u3": "u1"},
        {"u1": "u2", "u2": "u3", "u3": "new"},
    ],
    ids=["swap", "cycle of three", "chain of three"],
)
def test_addresses_may_go_round(conn: Connection, giver: dict[str, str]) -> None:
    before = three()
    evaluation = night(conn, before, *passed_on(**giver))
    assert evaluation.told == moved(*giver)
    assert evaluation.after == with_addresses(before, **giver)


@pytest.mark.parametrize("last", ["new", "u1"], ids=["chain", "cycle"])
def test_one_rejected_row_rejects_whoever_waits_for_its_address(conn: Connection, last: str) -> None:
    before = three()
    rows = passed_on(u1="u2", u2="u3", u3=last)
    rows[2]["schoolId"] = "S9"
    evaluation = night(conn, before, *rows)
    assert evaluation.told == [
        (2, "userEmail", "email-taken"),
        (3, "userEmail", "email-taken"),
        (4, "schoolId", "school-unknown"),
    ]
    assert [finding.detail["whom"] for finding in evaluation.planned.findings[:2]] == ["userId u2", "userId u3"]
    assert evaluation.after == before


def test_a_rejected_row_keeps_what_its_persons_other_row_would_give_up(conn: Connection) -> None:
    """One of the two rows of u2 is sound: it gives the address up, and that is enough."""
    before = three()
    rows = [*passed_on(u1="u2", u2="new"), *passed_on(u2="new")]
    rows[2]["schoolId"] = "S9"
    evaluation = night(conn, before, *rows)
    assert evaluation.told == [*moved("u1", "u2"), (4, "schoolId", "school-unknown")]
    assert evaluation.after == with_addresses(before, u1="u2", u2="new")


def test_who_leaves_in_the_file_leaves_the_address_to_others(conn: Connection) -> None:
    before = roster(u1=somebody("u1"), u2=somebody("u2", "Mary"))
    evaluation = night(conn, before, row("u1", userEmail="u2@example.org"), row("u2", action="REMOVE-USER"))
    assert evaluation.told == moved("u1")
    assert evaluation.after.people["u1"].email_key == "u2@example.org"
    assert evaluation.after.people["u2"] == replace(before.people["u2"], status="inactive")


def test_an_address_set_by_hand_is_neither_given_up_nor_lost(conn: Connection) -> None:
    before = roster(u1=somebody("u1"), u2=replace(somebody("u2", "Mary"), sticky=("email",)))
    evaluation = night(conn, before, *passed_on(u1="u2", u2="u1"))
    assert evaluation.told == [(2, "userEmail", "email-taken"), (3, "userEmail", "field-sticky")]
    assert evaluation.after == before


# The roster as it will be: secondary IDs


def test_a_secondary_id_is_one_persons(conn: Connection) -> None:
    before = roster(u1=somebody("u1", user_district_id="d1"), u2=somebody("u2", "Mary"))
    evaluation = night(conn, before, row("u2", "Mary", userDistrictId="d1"))
    assert evaluation.told == [(2, "userDistrictId", "secondary-id-taken")]
    assert evaluation.after == before


def test_secondary_ids_may_be_swapped(conn: Connection) -> None:
    before = roster(u1=somebody("u1", user_district_id="d1"), u2=somebody("u2", "Mary", user_district_id="d2"))
    evaluation = night(conn, before, row("u1", userDistrictId="d2"), row("u2", "Mary", userDistrictId="d1"))
    assert evaluation.told == []
    ids = {who: known.user_district_id for who, known in evaluation.after.people.items()}
    assert ids == {"u1": "d2", "u2": "d1"}


def test_the_secondary_id_of_somebody_who_left_is_free(conn: Connection) -> None:
    before = roster(u1=somebody("u1", user_district_id="d1", status="inactive"), u2=somebody("u2", "Mary"))
    evaluation = night(conn, before, row("u2", "Mary", userDistrictId="d1"))
    assert evaluation.told == []
    assert evaluation.after == changed(before, u2=replace(before.people["u2"], user_district_id="d1"))


# Handed over to the enrollment source


def handed_over(who: str = "u1") -> Roster:
    """u1 is the source's by now; what the files gave them is still the files'."""
    before = roster(**{who: somebody("u1")})
    before.people[who] = replace(before.people[who], owner=SOURCE)
    return before


@pytest.mark.parametrize("asks", [{}, {"schoolId": "S2"}, {"userLastName": "King"}, READING], ids=str)
def test_rows_of_somebody_handed_over_are_set_aside(conn: Connection, asks: dict[str, str]) -> None:
    before = handed_over()
    evaluation = night(conn, before, row("u1") | asks)
    assert evaluation.told == [(2, "userId", "person-handed-over")]
    assert evaluation.planned.rows.set_aside == 1
    assert evaluation.after == before


def test_somebody_handed_over_is_recognised_under_the_sources_own_id(conn: Connection) -> None:
    before = handed_over("src7")
    evaluation = night(conn, before, row("u1", schoolId="S2"))
    assert evaluation.told == [(2, "userId", "person-handed-over")]
    assert evaluation.after == before


def test_somebody_of_another_name_is_not_taken_for_who_was_handed_over(conn: Connection) -> None:
    before = handed_over("src7")
    evaluation = night(conn, before, row("u1", last="King"))
    assert evaluation.told == [(2, "userEmail", "email-taken")]
    assert evaluation.after == before


def test_what_the_files_gave_somebody_handed_over_can_be_ended_by_a_file(conn: Connection) -> None:
    before = handed_over()
    evaluation = night(conn, before, row("u1", action="REMOVE-USER"))
    assert evaluation.told == []
    after = before.copy()
    after.placements["u1", "S1"] = Placement(status="ended")
    after.enrollments["u1", "C1"] = Enrollment(status="ended")
    assert evaluation.after == after
    assert evaluation.after.people["u1"].status == "active"


def test_an_enrollment_of_somebody_handed_over_can_be_ended_by_a_file(conn: Connection) -> None:
    before = handed_over()
    evaluation = night(conn, before, row("u1", action="REMOVE-ENROLLMENT", classId="C1"))
    assert evaluation.told == []
    assert evaluation.after.placements == before.placements
    assert evaluation.after.enrollments == {("u1", "C1"): Enrollment(status="ended")}


# Spelling


def test_one_name_in_two_unicode_forms_is_one_name(conn: Connection) -> None:
    composed = unicodedata.normalize("NFC", "Jose\u0301")
    before = roster(u1=somebody("u1", composed))
    evaluation = night(conn, before, row("u1", unicodedata.normalize("NFD", composed)))
    assert (evaluation.told, evaluation.planned.changes) == ([], 0)
    assert evaluation.after == before


def test_an_id_is_corrected_whatever_the_names_unicode_form(conn: Connection) -> None:
    composed = unicodedata.normalize("NFC", "Jose\u0301")
    before = roster(u1=somebody("u1", composed))
    evaluation = night(conn, before, row("n1", unicodedata.normalize("NFD", composed), userEmail="u1@example.org"))
    assert evaluation.told == [(2, "userId", "id-corrected")]
    assert evaluation.after.people == {"n1": before.people["u1"]}


OKINA = ("Ka\u02bbahumanu", "Ka\u2018ahumanu", "Ka'ahumanu")


def test_an_okina_typed_as_an_apostrophe_is_another_spelling_of_the_same_person(conn: Connection) -> None:
    """It is stored as the file has it: nobody here knows which of them the person writes."""
    before = roster(u1=somebody("u1", last=OKINA[0]))
    evaluation = night(conn, before, row("u1", last=OKINA[2]))
    assert evaluation.told == []
    assert evaluation.after == changed(before, u1=somebody("u1", last=OKINA[2]))


def test_an_okina_typed_as_a_quote_is_not_equal_enough_to_correct_an_id(conn: Connection) -> None:
    before = roster(u1=somebody("u1", last=OKINA[0]))
    evaluation = night(conn, before, row("n1", last=OKINA[1], userEmail="u1@example.org"))
    assert evaluation.told == [(2, "userEmail", "email-taken")]
    assert evaluation.after == before

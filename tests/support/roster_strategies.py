"""Hypothesis strategies: small rosters over the few identifiers of the files, so that they collide often."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from tests.support.oracle.values import FILE, MANUAL, SOURCE, Class, Enrollment, Person, Placement, Roster, School
from tests.support.strategies import (
    ADDRESSES,
    ASSIGNMENTS,
    CLASSES,
    FIRST,
    GRADES,
    KNOWN_IDS,
    LAST,
    OPEN,
    OVER,
    PLANNED,
    REMOVED,
    ROLES,
    SCHOOLS,
    STALE,
)

owners = st.sampled_from((FILE, FILE, FILE, SOURCE, MANUAL))
statuses = st.sampled_from(("active", "active", "active", "inactive"))
assignments = st.sampled_from((OPEN, OPEN, OPEN, PLANNED, REMOVED, OVER, STALE)).map(ASSIGNMENTS.__getitem__)


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """A roster as the program and the other writers leave it: one address for one active person, nobody half gone."""
    made = Roster()
    made.schools = {school: School(name=f"School {school}") for school in SCHOOLS[:2]}
    if draw(st.booleans()):
        made.schools["S3"] = School(name="School S3", owner=draw(owners), status=draw(statuses))
    made.classes = {class_id: draw(_classes(tuple(made.schools))) for class_id in CLASSES if draw(st.booleans())}
    for user_id in KNOWN_IDS:
        if draw(st.booleans()):
            _add_person(draw, made, user_id)
    _give_addresses(draw, made)
    return made


@st.composite
def _classes(draw: st.DrawFn, schools: tuple[str, ...]) -> Class:
    return Class(
        school_id=draw(st.sampled_from(schools)),
        name=draw(st.sampled_from(("Reading", "Math"))),
        display_name=draw(st.sampled_from((None, "Shown"))),
        grade=draw(st.sampled_from(GRADES)),
        owner=draw(owners),
        status=draw(statuses),
    )


def _add_person(draw: st.DrawFn, made: Roster, user_id: str) -> None:
    owner = draw(owners)
    for school in made.schools:
        if draw(st.integers(0, 2)):
            start, end, status = draw(assignments)
            made.placements[user_id, school] = Placement(
                staff_type=draw(st.sampled_from((None, "Volunteer"))),
                start_date=start,
                end_date=end,
                status=status,
                owner=_owner_of_record(draw, owner),
            )
            _add_enrollments(draw, made, user_id, school, owner)
    placed = "active" if made.placed(user_id) else "inactive"
    made.people[user_id] = Person(
        role=draw(st.sampled_from(ROLES)),
        first_name=draw(st.sampled_from(FIRST)),
        last_name=draw(st.sampled_from(LAST)),
        email=None,
        email_key=None,
        owner=owner,
        status=placed if owner == FILE else draw(statuses),
    )


def _owner_of_record(draw: st.DrawFn, owner: str) -> str:
    """Mostly the person's own; others may have something of the file's, and a file person something by hand."""
    other = MANUAL if owner == FILE else FILE
    return draw(st.sampled_from((owner, owner, owner, other)))


def _add_enrollments(draw: st.DrawFn, made: Roster, user_id: str, school: str, owner: str) -> None:
    for class_id, known in made.classes.items():
        if known.school_id != school or not draw(st.booleans()):
            continue
        start, end, status = draw(assignments)
        made.enrollments[user_id, class_id] = Enrollment(
            primary_teacher=draw(st.booleans()),
            start_date=start,
            end_date=end,
            status="ended" if known.status != "active" else status,
            owner=_owner_of_record(draw, owner),
        )


def _give_addresses(draw: st.DrawFn, made: Roster) -> None:
    """Active people hold different addresses and secondary IDs; inactive ones keep what may be another's by now."""
    free = list(draw(st.permutations(ADDRESSES)))
    free_ids = list(draw(st.permutations(("d1", "d2", "d3", None, None, None))))
    for user_id, person in made.people.items():
        active = person.status == "active"
        address = free.pop() if active else draw(st.sampled_from(ADDRESSES))
        number = free_ids.pop() if active else draw(st.sampled_from(("d1", "d2", None)))
        made.people[user_id] = replace(person, email=address, email_key=address, user_district_id=number)
    made.taken_elsewhere = frozenset(free[: draw(st.integers(0, 2))])

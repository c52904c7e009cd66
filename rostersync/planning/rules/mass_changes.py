"""Mass changes: does a plan do more than usual? Then a person must look first (docs/rules/holds.md).

What the plan does is known from its counts and a scan of each plan table; the roster is asked "of how many" only where
that reaches a limit's number. A limit is exceeded when both its number and its share are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exists, func, not_, or_, select

from rostersync.catalogue.findings import make_finding
from rostersync.configuration.district import Holds, Threshold
from rostersync.database import tables as t
from rostersync.model import AppliedAttempt, Finding, Owner, RecordStatus
from rostersync.planning.district_schools import schools_of
from rostersync.planning.rules.active_records import count_active, count_active_at
from rostersync.planning.rules.changed_classes import count_changed_classes
from rostersync.planning.rules.day_start import DayChange, count_day_changes
from rostersync.planning.rules.endings import CLASSES, ENROLLMENTS, PEOPLE, Endings, Where, count_endings
from rostersync.planning.workspace import Workspace

if TYPE_CHECKING:
    from rostersync.planning import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class _Suspect:
    """Something the plan does so often that a limit's number is reached; whether its share is, the roster knows.

    `of_day`: it is compared with what was active when the day began, not with what is active now.
    """

    code: str
    number: int
    limits: tuple[Threshold, ...]
    entity: str = PEOPLE
    school: str | None = None
    of_day: bool = False

    @property
    def is_one(self) -> bool:
        return self.number > 0 and any(self.number >= limit.least for limit in self.limits)

    @property
    def enough(self) -> int | None:
        """So many active records prove that no share is exceeded: no need to count further."""
        share = min(limit.share for limit in self.limits)
        return int(self.number / share) + 1 if share else None

    def judged(self, of: int) -> Iterator[Finding]:
        if any(limit.exceeded(self.number, of) for limit in self.limits):
            where: dict[str, Any] = {} if self.school is None else {"school": self.school}
            yield make_finding(self.code, entity=self.entity, count=self.number, of=of, **where)


@dataclass(frozen=True, slots=True, kw_only=True)
class _People:
    """What the plan does to people beyond the counts; `known`: the district has or had people of a file."""

    administrators: int
    emails: int
    ids: int
    names: int
    known: bool


def find_holds(plan: Plan, holds: Holds, together: Sequence[AppliedAttempt] = ()) -> tuple[Finding, ...]:
    """Why this plan has to wait for a person, in the catalogue's order; nothing when it may be applied.

    `together`: the applied attempts of the same day or look, with which its removals are added up.
    """
    ws = plan.workspace
    people = _people(ws)
    ended = count_endings(ws, together, holds.dates_within_days)
    in_district = [one for one in _suspects(plan, holds, people, ended) if one.is_one]
    at_schools = [one for one in _school_suspects(ended, holds.removals) if one.is_one]
    days = count_day_changes(ws, together) if in_district or at_schools else {}
    judged = (
        *_of_district(ws, in_district, days),
        *_first_delivery(plan, holds, people),
        *_administrators(holds, people),
        *_of_schools(ws, at_schools, days),
        *_foreign(plan, holds.foreign),
    )
    return tuple(sorted(judged, key=lambda finding: _ORDER.index(finding.code)))


_ORDER = (
    "hold-removals",
    "hold-dates",
    "hold-updates",
    "hold-creates",
    "hold-admins",
    "hold-emails",
    "hold-names",
    "hold-classes",
    "hold-school",
    "hold-id-churn",
    "hold-foreign",
)


def _people(ws: Workspace) -> _People:
    plan, person = ws.plans["person"].c, t.person.c
    old = plan.old_status.is_not(None)
    files = plan.owner == Owner.FILE
    becomes = and_(files, plan.new_status == RecordStatus.ACTIVE, plan.new_role == "Administrator")
    was = func.coalesce(and_(plan.old_status == RecordStatus.ACTIVE, plan.old_role == "Administrator"), False)
    renamed = or_(
        plan.old_first_name.is_distinct_from(plan.new_first_name),
        plan.old_last_name.is_distinct_from(plan.new_last_name),
    )
    row = ws.conn.execute(
        select(
            func.count().filter(becomes, not_(was)),
            func.count().filter(old, plan.old_email_key.is_distinct_from(plan.new_email_key)),
            func.count().filter(plan.old_user_id.is_not(None)),
            func.count().filter(old, renamed),
            select(exists().where(person.district == ws.district, person.owner == Owner.FILE)).scalar_subquery(),
        )
    ).one()
    return _People(administrators=row[0], emails=row[1], ids=row[2], names=row[3], known=row[4])


def _suspects(plan: Plan, holds: Holds, people: _People, ended: Mapping[Where, Endings]) -> Iterator[_Suspect]:
    staff = plan.counts["staff"]
    yield from _removals(ended, (holds.removals, holds.removals_of_most))
    yield _Suspect(code="hold-updates", number=staff["updated"], limits=(holds.updates,))
    yield _Suspect(code="hold-emails", number=people.emails, limits=(holds.emails,))
    yield _Suspect(code="hold-names", number=people.names, limits=(holds.names,))
    yield _Suspect(code="hold-id-churn", number=people.ids, limits=(holds.id_churn,))
    classes = count_changed_classes(plan.workspace, at_least=holds.classes.least)
    yield _Suspect(code="hold-classes", number=classes, limits=(holds.classes,), entity=CLASSES)
    if people.known:
        yield _Suspect(code="hold-creates", number=staff["created"], limits=(holds.creates,))


def _removals(ended: Mapping[Where, Endings], limits: tuple[Threshold, ...]) -> Iterator[_Suspect]:
    """What ends at once; and with it what is made to end soon, where that is more. Never for what others ended."""
    for entity in (PEOPLE, CLASSES, ENROLLMENTS):
        number = ended.get((entity, None))
        if number is None or not number.by_plan:
            continue
        yield _Suspect(code="hold-removals", number=number.at_once, limits=limits, entity=entity, of_day=True)
        if number.in_all > number.at_once:
            yield _Suspect(code="hold-dates", number=number.in_all, limits=limits, entity=entity, of_day=True)


def _school_suspects(ended: Mapping[Where, Endings], limit: Threshold) -> Iterator[_Suspect]:
    for (entity, school), number in ended.items():
        if school is not None and number.by_plan:
            yield _Suspect(
                code="hold-school",
                number=number.in_all,
                limits=(limit,),
                entity=entity,
                school=school,
                of_day=True,
            )


def _first_delivery(plan: Plan, holds: Holds, people: _People) -> Iterator[Finding]:
    """Nothing is there to compare with: only its size counts."""
    created = plan.counts["staff"]["created"]
    if not people.known and created > holds.first_delivery:
        yield make_finding("hold-creates", entity=PEOPLE, count=created, of=0)


def _administrators(holds: Holds, people: _People) -> Iterator[Finding]:
    """Raised, back, or new with that role; in a first delivery everybody is new, and that has its own limit."""
    if people.known and people.administrators and people.administrators >= holds.admins:
        yield make_finding("hold-admins", count=people.administrators)


def _foreign(plan: Plan, limit: Threshold) -> Iterator[Finding]:
    """Rows whose school is not the district's: a finding each, unless files may create schools.

    No person is asked about a file that would change nothing, nor about schools that only lost their zeros.
    """
    named = sum(finding.code == "school-unknown" for finding in plan.findings)
    if not plan.rows.accepted or not limit.exceeded(named, plan.rows.read):
        return
    unknown = _of_no_school_here(plan.workspace)
    if limit.exceeded(unknown, plan.rows.read):
        yield make_finding("hold-foreign", count=unknown, of=plan.rows.read)


def _of_no_school_here(ws: Workspace) -> int:
    """Rows with an unknown school that is not one of the district's without its zeros."""
    school, typed = t.school.c, ws.cell("schoolId")
    without_zeros = exists().where(
        school.district == ws.district, func.ltrim(school.school_id, "0") == func.ltrim(typed, "0")
    )
    rows = ws.stage.join(
        ws.rule_findings, and_(ws.rule_findings.c.line == ws.stage.c.line, ws.rule_findings.c.code == "school-unknown")
    )
    counted = select(func.count(ws.stage.c.line.distinct())).select_from(rows).where(not_(without_zeros))
    return ws.conn.scalar(counted) or 0


def _of_district(ws: Workspace, suspects: Sequence[_Suspect], days: Mapping[Where, DayChange]) -> Iterator[Finding]:
    if not suspects:
        return
    active = _active(ws, suspects, days)
    for suspect in suspects:
        now = active[suspect.entity]
        day = days.get((suspect.entity, None), DayChange())
        yield from suspect.judged(day.active_before(now) if suspect.of_day else now)


def _active(ws: Workspace, suspects: Sequence[_Suspect], days: Mapping[Where, DayChange]) -> Mapping[str, int]:
    """entity → active file-owned records of the district, counted no further than the suspects need."""
    up_to: dict[str, int | None] = {}
    for entity in dict.fromkeys(suspect.entity for suspect in suspects):
        enough = _enough(suspects, entity)
        # So many more of those that are active now may not have been so when the day began.
        up_to[entity] = None if enough is None else enough + days.get((entity, None), DayChange()).are
    return count_active(ws, up_to)


def _enough(suspects: Iterable[_Suspect], entity: str) -> int | None:
    limits = [suspect.enough for suspect in suspects if suspect.entity == entity]
    return None if None in limits else max(filter(None, limits))


def _of_schools(ws: Workspace, suspects: Sequence[_Suspect], days: Mapping[Where, DayChange]) -> Iterator[Finding]:
    """One finding for each school: of its entities the one that loses most."""
    if not suspects:
        return
    active = count_active_at(ws, sorted({str(suspect.school) for suspect in suspects}))
    names = {school.school_id: school.name for school in schools_of(ws.conn, ws.district)}
    reported_schools: set[str | None] = set()
    for suspect in sorted(suspects, key=lambda one: (one.school or "", -one.number, one.entity)):
        day = days.get((suspect.entity, suspect.school), DayChange())
        judged = list(suspect.judged(day.active_before(active.get((suspect.entity, str(suspect.school)), 0))))
        if judged and suspect.school not in reported_schools:
            reported_schools.add(suspect.school)
            at = {"school_name": names.get(suspect.school or "", "")}
            yield from (replace(finding, detail={**finding.detail, **at}) for finding in judged)

"""What the rules noted, as findings: with the cell each is about and the facts that the catalogue's sentences need."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz, process
from sqlalchemy import RowMapping, select

from rostersync.catalogue.findings import NOTHING_NEAR, make_finding, reference_of
from rostersync.model import Finding, RosterSchool, Severity
from rostersync.planning.district_schools import schools_of
from rostersync.planning.workspace import Workspace

_NEAR = 70
"""Similarity in per cent from which another school is offered."""
_NEAR_NAME = 80
"""The same of a school's name, written where its ID should be."""

MAX_COMPARED = 1_000
"""Unknown schools that are compared with every known one."""

Detail = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _FindingContext:
    """The plan, and every school that a finding calls unknown with the district's nearest one."""

    ws: Workspace
    nearest: Mapping[str, str]
    names: Mapping[str, str]


def describe_findings(ws: Workspace) -> tuple[Finding, ...]:
    """All findings of the roster rules, in the order of the file."""
    noted, stage = ws.rule_findings, ws.stage
    joined = select(noted, stage).join(stage, stage.c.line == noted.c.line)
    rows = ws.conn.execute(joined.order_by(noted.c.line, noted.c.column, noted.c.code)).mappings().all()
    unknown = dict.fromkeys(row[noted.c.detail]["school"] for row in rows if row[noted.c.code] == "school-unknown")
    schools = [school for school in schools_of(ws.conn, ws.district) if school.active] if unknown else []
    scene = _FindingContext(
        ws=ws, nearest=_nearest_schools(schools, unknown), names={school.school_id: school.name for school in schools}
    )
    return tuple(_finding(row, scene) for row in rows)


def _finding(row: RowMapping, scene: _FindingContext) -> Finding:
    ws = scene.ws
    column, code, detail = (row[ws.rule_findings.c[name]] for name in ("column", "code", "detail"))
    tell = _FACTS.get(code)
    return make_finding(
        code,
        line=row[ws.rule_findings.c.line],
        column=column,
        value=row[ws.stage.c[column]] if column in ws.present else None,
        severity=Severity(row[ws.rule_findings.c.severity]),
        **(detail if tell is None else tell(detail, row, scene)),
    )


def _nearest_schools(schools: Sequence[RosterSchool], unknown: Collection[str]) -> Mapping[str, str]:
    """Unknown schoolId → the district's nearest open one, by ID or by name; "none" when none is near."""
    if not schools:
        return dict.fromkeys(unknown, NOTHING_NEAR)
    nearest = dict(nearest_of(unknown, sorted(school.school_id for school in schools)))
    names = [school.name.casefold() for school in schools]
    strange = [typed for typed, near in nearest.items() if near == NOTHING_NEAR]
    for typed in strange[:MAX_COMPARED]:
        hit = process.extractOne(typed.casefold(), names, scorer=fuzz.ratio, score_cutoff=_NEAR_NAME)
        if hit and names.count(hit[0]) == 1:
            nearest[typed] = schools[hit[2]].school_id
    return nearest


def nearest_of(unknown: Collection[str], known: Sequence[str]) -> Mapping[str, str]:
    """Unknown ID → the nearest known one, "none" when none is near.

    What differs only by zeros in front or case is looked up; otherwise each unknown ID is compared with each known one,
    for the first `MAX_COMPARED` of them: with more, the column holds something else than schools.
    """
    plain = [_without_zeros(school) for school in known]
    same = dict(zip(reversed(plain), reversed(known), strict=True))
    nearest = {school: same.get(_without_zeros(school), NOTHING_NEAR) for school in unknown}
    strange = [school for school, found_ in nearest.items() if found_ == NOTHING_NEAR]
    for school in strange[:MAX_COMPARED]:
        hit = process.extractOne(_without_zeros(school), plain, scorer=fuzz.ratio, score_cutoff=_NEAR)
        nearest[school] = known[hit[2]] if hit else NOTHING_NEAR
    return nearest


def _without_zeros(school: str) -> str:
    """Zeros in front are what spreadsheets lose: they make no difference here, nor does case."""
    return school.lstrip("0").casefold()


def _unknown_school(detail: Detail, _: RowMapping, scene: _FindingContext) -> Detail:
    """The nearest school; and a word when the district's own ID was taken for a school's."""
    typed = detail["school"]
    is_district = typed.casefold() == scene.ws.district.casefold()
    hint = " It is the ID of the district itself." if is_district else ""
    suggestion = scene.nearest[typed]
    name = {"suggested_name": scene.names[suggestion]} if suggestion in scene.names else {}
    return {**detail, "suggestion": suggestion, "hint": hint, **name}


def _taken_address(detail: Detail, row: RowMapping, scene: _FindingContext) -> Detail:
    """Who holds it, when that is a person of this district; else a reference, and nothing about them.

    The reference is the same in every file that makes the same claim: it can be quoted from an old mail.
    """
    if "user_id" in detail:
        otherwise = "if it is the same person, write the userId they already have"
        return {**detail, "whom": f"userId {detail['user_id']}", "otherwise": otherwise}
    stage = scene.ws.stage.c
    mark = reference_of(scene.ws.district, row[stage.email_key])
    facts = {"whom": "somebody else", "otherwise": f"give reference {mark} to support", "reference": mark}
    return {**facts, "asked_by": row[stage.userId]}


def _another_person(detail: Detail, _: RowMapping, __: _FindingContext) -> Detail:
    """Whose name and address a removal gives."""
    return {**detail, "whom": f"userId {detail['user_id']}" if "user_id" in detail else "somebody else"}


_FACTS: Mapping[str, Callable[[Detail, RowMapping, _FindingContext], Detail]] = {
    "school-unknown": _unknown_school,
    "email-taken": _taken_address,
    "action-person-differs": _another_person,
}

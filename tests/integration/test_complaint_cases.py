"""Small cases from public complaints, night after night, and for each kind a second example."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from rostersync.catalogue.findings import message, resolution
from rostersync.database import tables
from rostersync.model import Finding, Severity
from rostersync.pipeline import SyncResult
from tests.support.district_nights import Nights, district
from tests.support.shared_data import known_files, needs_data

HEADERS = (
    "action,schoolId,userId,userRole,userFirstName,userLastName,userEmail,classId,className,classGrade,primaryTeacher"
)
ADDRESS_LAST = HEADERS.replace("userEmail,", "") + ",userEmail"
OTHERS_MEND = {
    "upload-cut-inside-last-address": "the dictionary has no finding yet for a last line that breaks off in a cell",
}


def ready(nights: Nights) -> Nights:
    """Schools 0401 and 0402 of the enrollment source, nobody else."""
    schools = [{"district": "springfield", "school_id": i, "name": i, "owner": "source"} for i in ("0401", "0402")]
    with nights.owner.begin() as conn:
        conn.execute(insert(tables.district).values(code="springfield", name="Springfield Unified"))
        conn.execute(insert(tables.school), schools)
    source = {"file": str(nights.inbox), "pattern": "users.csv"}
    domains = ["springfield.example", "district.example.org", "district.k12.tx.us"]
    nights.config = district(nights.inbox, source=source, email_domains=domains)
    return nights


def played(nights: Nights, number: int, content: bytes, name: str = "users.csv") -> tuple[SyncResult, bool]:
    """The night's last result, and whether anybody was written to."""
    before = len(nights.messages())
    for old in nights.inbox.iterdir():
        old.unlink()
    nights.put(content, name)
    result = nights.sync(f"night-{number}")[-1]
    return result, len(nights.messages()) > before


def holds(expected: Mapping[str, Any], result: SyncResult, mailed: bool) -> bool:
    """Whether the night ended as a case expects; every word of the expectation is looked at."""
    if "any_of" in expected:
        return any(holds(one, result, mailed) for one in expected["any_of"])
    wanted = {name: value for name, value in expected.items() if name != "step"}
    texts = [message(finding) + resolution(finding) for finding in result.findings]
    about = {name: wanted.pop(name) for name in ("line", "severity", "code") if name in wanted}
    checks = {
        "outcome": lambda outcome: result.outcome == outcome,
        "rejected": lambda count: result.rows.rejected == count,
        "mailed": lambda wish: mailed is wish,
        "clean_line": lambda line: all(finding.line != line for finding in result.findings),
        "message_has": lambda text: any(text in told for told in texts),
        "message_lacks": lambda text: all(text not in told for told in texts),
    }
    matching = not about or any(fits(finding, about) for finding in result.findings)
    return matching and all(checks[name](value) for name, value in wanted.items())


def fits(finding: Finding, about: Mapping[str, Any]) -> bool:
    return all(getattr(finding, name) == value for name, value in about.items())


def case_folders() -> list[Any]:
    folders = [path.parent for path in known_files("cases")]
    return [pytest.param(path, id=path.name, marks=marks_of(path.name)) for path in folders]


def marks_of(name: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.xfail(reason=OTHERS_MEND[name], strict=True)] if name in OTHERS_MEND else []


@needs_data
@pytest.mark.parametrize("folder", case_folders())
def test_a_complaint_ends_as_its_sender_would_expect(emptied: Nights, folder: Path) -> None:
    case = json.loads((folder / "case.json").read_bytes())
    nights = ready(emptied)
    for number, step in enumerate(case["steps"], start=1):
        content = (folder / step["file"]).read_bytes()
        result, mailed = played(nights, number, content, step.get("name", "users.csv"))
        for expected in case["expect"]:
            assert expected["step"] != number or holds(expected, result, mailed), (expected, result.outcome)


@needs_data
def test_no_case_is_left_out() -> None:
    assert len(case_folders()) == 18
    assert {folder.id for folder in case_folders()} >= set(OTHERS_MEND)


def file(*lines: str, header: str = HEADERS) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


def staff(number: int, first: str = "Rosa", last: str = "Delgado", rest: str = ",,,,") -> str:
    return f",0401,N-{number},Teacher,{first},{last},n-{number}@springfield.example{rest}"


Codes = list[tuple[int | None, str]]
SECOND_EXAMPLES: dict[str, tuple[Sequence[bytes], str, Codes]] = {
    "class-id-lost-zero": (
        [file(staff(1, rest=",Rd-1A,Reading,3,")), file(staff(1, rest=",RD-1A,Reading,3,"))],
        "applied_with_errors",
        [(2, "id-case-differs")],
    ),
    "excel-drops-last-commas: a removal, a class row without its last column, and what may not be missing": (
        [file(staff(1), staff(2, rest=",C1,Reading,3"), staff(3, rest=""), ",0401,N-4,Teacher,Rosa,Delgado")],
        "applied_with_errors",
        [(3, "row-short"), (5, "row-cell-count")],
    ),
    "excel-drops-last-commas: a class needs its grade": (
        [file(staff(1, rest=",C1,Reading"))],
        "applied_with_errors",
        [(2, "row-cell-count")],
    ),
    "excel-drops-last-commas: the last line must be complete": (
        [file(staff(1), staff(2, rest=""))[:-1]],
        "applied_with_errors",
        [(3, "row-cell-count")],
    ),
    "foreign-google-workspace": (
        [b"person_id,person_number,first_name,last_name,email_address,sis_username,location_id\n1,2,A,B,c@d.org,e,7\n"],
        "refused",
        [(None, "file-foreign-format")],
    ),
    "foreign-sds-uk-teacher": (
        [b"ID,School DfE Number,Section Name\n1,100,Reading\n"],
        "refused",
        [(None, "file-foreign-format")],
    ),
    "foreign: a list of users of Microsoft Entra": (
        [b"userPrincipalName,displayName,surname,mail,userType\na@b.org,A B,B,a@b.org,Member\n"],
        "refused",
        [(None, "file-foreign-format")],
    ),
    "no header: plain words": (
        [b"Oak Street,Ruiz,Jo\nElm Street,Diaz,Al\n"],
        "refused",
        [(None, "file-no-header")],
    ),
    "header-commas-rows-semicolons: tabs": (
        [(HEADERS + "\n" + "\n".join(staff(n).replace(",", "\t") for n in (1, 2)) + "\n").encode()],
        "refused",
        [(None, "file-delimiter")],
    ),
    "html-entities: a backslash escape": (
        [file(staff(1, last="Pe\\u00f1a"), staff(2, last="Smith & Sons"))],
        "applied_with_errors",
        [(2, "cell-mojibake")],
    ),
    "invisible-characters: a tag and a private letter": (
        [file(staff(1, last="Ru\U000e0069z"), staff(2, first="\ue000"), staff(3, first="سال\u200cها"))],
        "applied_with_errors",
        [(2, "cell-character"), (3, "cell-character")],
    ),
    "line-break-and-commas-in-a-quoted-cell: in the first of the names": (
        [file(staff(1, first='"Ro\na,b,c,d,e,f,g,h,i,j,k,l"'), staff(2))],
        "applied_with_errors",
        [(2, "cell-character")],
    ),
    "line-break-and-commas-in-a-quoted-cell: a quote that is never closed": (
        [file(staff(1, first='"Rosa'), staff(2), staff(3, first='"'))],
        "refused",
        [(None, "file-unclosed-quote")],
    ),
    "mac-roman-read-as-windows-1252: a DOS code page": (
        [file(staff(1, "José", "Peña"), staff(2)).decode().encode("cp850")],
        "applied_with_errors",
        [(None, "file-encoding-fallback"), (2, "cell-mojibake"), (2, "cell-mojibake")],
    ),
    "no-value-words-of-programs": (
        [file(staff(1, last="<null>"), staff(2, last="Null"))],
        "applied_with_errors",
        [(2, "cell-placeholder")],
    ),
    "replacement-character: saved twice": (
        [file(staff(1, last="Peï¿½a"), staff(2))],
        "applied_with_errors",
        [(2, "cell-mojibake")],
    ),
    "row-of-no-break-spaces: fewer cells, other spaces, tabs": (
        [file(staff(1), "\u00a0,\u2003\t,\u3000", staff(2))],
        "applied",
        [(3, "row-blank")],
    ),
    "rows-end-with-a-comma: with spaces behind, and with something": (
        [file(staff(1, rest=",,,,, ,"), staff(2, rest=",,,,,x"))],
        "applied_with_errors",
        [(3, "row-cell-count")],
    ),
    "nearest-header-misleads: a near one is offered still": (
        [file(staff(1, rest=",,,,,x"), header=f"{HEADERS},emailAddress")],
        "refused",
        [(1, "header-unknown")],
    ),
}


@pytest.mark.parametrize("name", SECOND_EXAMPLES)
def test_a_second_example_of_each_kind(emptied: Nights, name: str) -> None:
    nights = ready(emptied)
    files, outcome, codes = SECOND_EXAMPLES[name]
    for number, content in enumerate(files, start=1):
        result, _ = played(nights, number, content)
    assert result.outcome == outcome
    assert sorted(((f.line, f.code) for f in result.findings), key=str) == sorted(codes, key=str)
    assert all(finding.severity is not Severity.HOLD for finding in result.findings)

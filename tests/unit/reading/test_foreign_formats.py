"""Other systems' rosters are named in the refusal; a users.csv with a slip in its header never is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.reading_cases import DICTIONARY, NEEDED, codes, flat, read_bytes
from tests.support.shared_data import content, needs_data, roster_files

NAMED = {
    "canvas_sis_doc_samples": "Canvas",
    "edfi_sample_staff": "Ed-Fi",
    "microsoft_sds_v1_100users": "Microsoft School Data Sync v1",
    "microsoft_sds_v1_25users": "Microsoft School Data Sync v1",
    "microsoft_sds_v1_minimal": "Microsoft School Data Sync v1",
    "microsoft_sds_v2": "Microsoft School Data Sync v2",
    "microsoft_sds_v2_1": "Microsoft School Data Sync v2.1",
    "oneroster_1p1_base_csv": "OneRoster",
}
"""Folder of samples → the name a refusal must tell."""
EITHER = "Microsoft School Data Sync v2 or v2.1"
SAME_IN_BOTH = ("orgs.csv", "enrollments.csv")
"""Files of School Data Sync whose headers are the same in both versions."""

FILES = roster_files()
SAMPLES = [path for path in FILES if path.parent.name in NAMED]
OTHERS = [path for path in FILES if path.parent.name not in NAMED]


def name_of(data: bytes) -> str:
    reading = read_bytes(data)
    assert flat(reading) == [(None, None, "file-foreign-format")]
    return str(reading.findings[0].detail["format"])


@needs_data
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_each_sample_is_named_and_nothing_else_is_said(path) -> None:
    expected = NAMED[path.parent.name]
    if path.parent.name.startswith("microsoft_sds_v2") and path.name in SAME_IN_BOTH:
        expected = EITHER
    assert name_of(content(path)) == expected


@needs_data
@pytest.mark.parametrize("path", OTHERS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_tables_without_headers_of_their_own_are_refused_too(path) -> None:
    """Open Education Analytics: data from the first line on, or a list of columns."""
    assert set(codes(read_bytes(content(path)))) <= {"file-no-header", "header-unknown", "header-missing"}


@needs_data
def test_every_folder_of_samples_is_there() -> None:
    assert {path.parent.name for path in SAMPLES} == set(NAMED)


DOCUMENTED = {
    "Clever": (
        "School_id,School_name,School_number,State_id,Low_grade,High_grade,Principal,Principal_email,School_address",
        "School_id,Student_id,Student_number,State_id,Last_name,Middle_name,First_name,Grade,Gender,DOB,Race",
        "School_id,Teacher_id,Teacher_number,State_teacher_id,Teacher_email,First_name,Middle_name,Last_name,Title",
        "School_id,Section_id,Teacher_id,Teacher_2_id,Name,Section_number,Grade,Course_name,Period,Subject,Term_name",
        "School_id,Section_id,Student_id",
        "School_id,Staff_id,Staff_email,First_name,Last_name,Department,Title,Username,Password,Role",
        "School_id,Admin_name,Admin_email,Admin_title,Username,Password",
    ),
    "OneRoster": (
        "sourcedId,status,dateLastModified,classSourcedId,resourceSourcedId,title",
        "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment",
        "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId",
        "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,userMasterIdentifier,pronouns",
    ),
    "PowerSchool": (
        "TeacherNumber,First_Name,Last_Name,Email_Addr,HomeSchoolId,Title",
        "Users_DCID,TeacherNumber,LastFirst,SchoolID,StaffStatus",
    ),
    "Canvas": ("group_id,group_category_id,account_id,name,status", "login_id,user_id,status"),
    "Ed-Fi": ("StaffUniqueId,FirstName,LastSurname", "educationOrganizationId,nameOfInstitution"),
}
"""Header lines as the formats' public documentation has them, for tables without a sample."""


@pytest.mark.parametrize(("format_", "header"), [(name, line) for name, some in DOCUMENTED.items() for line in some])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_documented_headers_are_named(format_: str, header: str, mark: str) -> None:
    rows = ",".join("x" for _ in header.split(","))
    assert name_of(f"{mark}{header}\r\n{rows}\r\n".encode()) == format_
    assert name_of(f"{mark}{header.upper()}\n".encode()) == format_
    assert name_of(f'{mark}{header}\n"never closed\n'.encode()) == format_


@st.composite
def slipped(draw: st.DrawFn) -> list[str]:
    """Our headers, any optional ones left out, in any order, with one misspelled."""
    optional = [header for header in DICTIONARY.headers if header not in NEEDED]
    names = draw(st.permutations([*NEEDED, *draw(st.lists(st.sampled_from(optional), unique=True))]))
    place = draw(st.integers(0, len(names) - 1))
    wrong = draw(
        st.sampled_from(["status", "School_id", "sourcedId", "Staff_id", "TeacherNumber", "login_id", "sisId"])
    )
    name = names[place]
    spelled = draw(
        st.sampled_from([name[:-1], name + "s", name.upper(), name[1:], f" {name}", wrong, name.replace("user", "")])
    )
    return [*names[:place], spelled, *names[place + 1 :]]


@given(headers=slipped())
@settings(max_examples=150, deadline=None)
def test_a_slip_in_our_header_is_no_foreign_format(headers: list[str]) -> None:
    told = {finding.code for finding in read_bytes((",".join(headers) + "\n").encode()).findings}
    assert not {code for code in told if code.startswith("file-")} - {"file-header-only"}


@pytest.mark.parametrize(
    "header",
    [
        "schoolId,schoolName,staffId,lastName,firstName,email",
        "id,first name,last name,role,school",
        "school_id,user_id,user_role,user_first_name,user_last_name,user_email",
    ],
)
def test_a_list_of_nobodys_format_is_judged_by_its_headers(header: str) -> None:
    assert {code.partition("-")[0] for code in codes(read_bytes(f"{header}\n".encode()))} == {"header"}

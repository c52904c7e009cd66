"""Every file rule about rows: which cell of which line gets which code, and which rows remain."""

from __future__ import annotations

import pytest

from rostersync import screening
from rostersync.errors import SuiteFailed
from rostersync.findings import found
from rostersync.model import RawRow, Severity
from tests.factories import DICTIONARY, flat, reading_of, removal, row, screened, staff

REQUIRED = [c.header for c in DICTIONARY.columns if c.need == "required"]
OPTIONAL = [c.header for c in DICTIONARY.columns if c.need == "optional" and c.kind != "blank"]
CLASS_NEEDS = DICTIONARY.class_group.needs
LIMITED = [c for c in DICTIONARY.columns if c.max_length and c.kind != "email"]
TEXTS = [c.header for c in DICTIONARY.columns if c.kind == "text"]
IDS = [c.header for c in DICTIONARY.columns if c.kind == "id"]
PLAIN_IDS = [c.header for c in DICTIONARY.columns if c.kind == "id" and c.characters != "any"]
CHOICES = [c.header for c in DICTIONARY.columns if c.kind == "choice"]
DATES = [c.header for c in DICTIONARY.columns if c.kind == "date"]
NAMES = [c.header for c in DICTIONARY.columns if c.name]


def test_a_valid_row_has_no_finding() -> None:
    assert flat(row(), row(2), staff(3)) == []


@pytest.mark.parametrize("action", DICTIONARY.actions)
def test_a_removal_with_only_its_keys_has_no_finding(action: str) -> None:
    assert flat(removal(action)) == []


@pytest.mark.parametrize("header", REQUIRED)
@pytest.mark.parametrize("blank", ["", "  ", "\u00a0"])
def test_a_required_cell_must_be_filled(header: str, blank: str) -> None:
    assert flat(row(), row(2, **{header: blank})) == [(3, header, "cell-required")]


@pytest.mark.parametrize("header", OPTIONAL)
def test_an_optional_cell_may_be_blank(header: str) -> None:
    assert flat(row(**{header: ""})) == []


@pytest.mark.parametrize("header", [h for h in REQUIRED if h not in NAMES])
@pytest.mark.parametrize("sign", ["N/A", "n/a", "null", "NONE", "-", "?", "(blank)"])
def test_a_placeholder_in_a_required_cell_rejects_the_row(header: str, sign: str) -> None:
    judged = screened(row(**{header: sign}))
    assert [f.flat for f in judged.findings] == [(2, header, "cell-placeholder")]
    assert judged.rows.status.tolist() == ["rejected"]


@pytest.mark.parametrize("header", [*OPTIONAL, "action", "primaryTeacher", "userGrade"])
def test_a_placeholder_in_an_optional_cell_is_read_as_blank(header: str) -> None:
    judged = screened(row(**{header: "N/A"}))
    assert [f.flat for f in judged.findings] == [(2, header, "cell-placeholder")]
    assert judged.rows.status.tolist() == ["accepted"]
    assert judged.rows[header].tolist() == [""]


@pytest.mark.parametrize("header", CLASS_NEEDS)
def test_a_placeholder_in_a_class_column_rejects_only_rows_that_name_a_class(header: str) -> None:
    assert screened(row(**{header: "N/A"})).rows.status.tolist() == ["rejected"]
    alone = screened(staff(**{header: "N/A"}))
    assert [f.flat for f in alone.findings] == [(2, header, "cell-placeholder")]
    assert alone.rows.status.tolist() == ["accepted"]


@pytest.mark.parametrize("header", NAMES)
@pytest.mark.parametrize("name", ["Null", "NULL", "None", "NA", "Nan", "True", "0", "Nil"])
def test_words_are_names(header: str, name: str) -> None:
    judged = screened(row(**{header: name}))
    assert judged.findings == ()
    assert judged.rows[header].tolist() == [name]


@pytest.mark.parametrize("sign", ["-", "--", ".", "?", "N/A"])
def test_bare_signs_are_no_names(sign: str) -> None:
    judged = screened(row(userFirstName=sign), row(2, userMiddleName=sign))
    assert [(*f.flat, f.severity) for f in judged.findings] == [
        (2, "userFirstName", "cell-placeholder", Severity.ROW),
        (3, "userMiddleName", "cell-placeholder", Severity.REMARK),
    ]


@pytest.mark.parametrize("column", LIMITED, ids=lambda column: column.header)
def test_text_may_be_as_long_as_the_column_allows(column) -> None:
    assert column.max_length is not None
    assert flat(row(**{column.header: "x" * column.max_length})) == []
    assert flat(row(**{column.header: "x" * (column.max_length + 1)})) == [(2, column.header, "cell-too-long")]


def test_length_counts_code_points() -> None:
    assert flat(row(className="𠮷" * 200)) == []


UNSEEN = ["\n", "\r\n", "\t", "\x07", "\x7f", "\x85", "\u200b", "\u200d", "\u202e", "\u2066", "\u2028", "\ufeff"]


@pytest.mark.parametrize("header", TEXTS + IDS)
@pytest.mark.parametrize("unseen", UNSEEN, ids=ascii)
def test_characters_that_no_cell_may_hold(header: str, unseen: str) -> None:
    assert flat(row(**{header: f"A{unseen}b"})) == [(2, header, "cell-character")]


@pytest.mark.parametrize("header", [*CHOICES, *DATES, "userGrade"])
def test_unseen_characters_are_the_root_cause_in_other_cells(header: str) -> None:
    codes = [finding for finding in flat(row(**{header: "No\u200b"})) if finding[1] == header]
    assert codes == [(2, header, "cell-character")]


@pytest.mark.parametrize("header", IDS)
def test_full_width_letters_are_not_for_ids(header: str) -> None:
    assert flat(row(**{header: "Ａ１２"})) == [(2, header, "cell-character")]
    assert flat(row(className="Ａ１２")) == []


@pytest.mark.parametrize("column", [c for c in DICTIONARY.columns if c.header != "action"], ids=lambda c: c.header)
def test_outer_spaces_are_removed_with_a_remark(column) -> None:
    valid = row()
    if not valid[column.header]:
        valid[column.header] = column.accepted[0] if column.accepted else "x"
    if column.kind == "blank":
        return
    judged = screened(valid | {column.header: f" \u00a0{valid[column.header]}  "})
    assert [f.flat for f in judged.findings] == [(2, column.header, "cell-trimmed")]
    assert judged.rows[column.header].tolist() == [valid[column.header]]


def test_a_trimmed_action_counts() -> None:
    judged = screened(removal("REMOVE-USER", action=" REMOVE-USER"))
    assert [f.flat for f in judged.findings] == [(2, "action", "cell-trimmed")]
    assert judged.rows.action.tolist() == ["REMOVE-USER"]


@pytest.mark.parametrize("header", TEXTS)
@pytest.mark.parametrize("spaces", ["  ", " \u3000", "\u00a0"])
def test_spaces_inside_text_become_one(header: str, spaces: str) -> None:
    judged = screened(row(**{header: f"van{spaces}Dam"}))
    assert [f.flat for f in judged.findings] == [(2, header, "cell-trimmed")]
    assert judged.rows[header].tolist() == ["van Dam"]


def test_text_is_stored_composed_without_a_word_about_it() -> None:
    judged = screened(row(userFirstName="Jose\u0301"))
    assert judged.findings == ()
    assert judged.rows.userFirstName.tolist() == ["Jos\u00e9"]


@pytest.mark.parametrize("header", TEXTS)
@pytest.mark.parametrize("text", ["JosÃ©", "MÃ¼ller", "Itâ€™s", "Å\x81ukasz"])
def test_text_that_was_decoded_twice(header: str, text: str) -> None:
    assert flat(row(**{header: text})) in ([(2, header, "cell-mojibake")], [(2, header, "cell-character")])


@pytest.mark.parametrize("name", ["José", "Müller", "Ñandú", "CAFÉ’S", "JÄ’S", "Łukasz", "ʻOkina", "山田", "Ångström"])
def test_accented_names_are_fine(name: str) -> None:
    assert flat(row(className=name, userLastName=name)) == []


@pytest.mark.parametrize("header", PLAIN_IDS)
@pytest.mark.parametrize("damage", ["1.23E+11", "4E+05", "12345.0", "12-Sep", "Sep-12", "3/1/2026", "2026-01-03"])
def test_ids_that_a_spreadsheet_changed(header: str, damage: str) -> None:
    assert flat(row(**{header: damage})) == [(2, header, "cell-spreadsheet-damage")]


@pytest.mark.parametrize("header", [c.header for c in DICTIONARY.columns if c.header != "action"])
@pytest.mark.parametrize("damage", ["#REF!", "#N/A", "########", '="00123"'])
def test_what_spreadsheets_leave_in_any_cell(header: str, damage: str) -> None:
    assert (2, header, "cell-spreadsheet-damage") in flat(row(**{header: damage}))
    assert len(flat(row(**{header: damage}))) == 1


@pytest.mark.parametrize("fine", ["1E5", "00123", "NULLA", "E12", "12E"])
def test_ids_are_text(fine: str) -> None:
    judged = screened(row(userId=fine))
    assert judged.findings == ()
    assert judged.rows.userId.tolist() == [fine]


@pytest.mark.parametrize("header", PLAIN_IDS)
@pytest.mark.parametrize("wrong", ["a b", "Müller", "a/b", "a,b", "a'b", "a–b"])
def test_ids_have_few_characters(header: str, wrong: str) -> None:
    assert flat(row(**{header: wrong})) == [(2, header, "id-character")]


def test_each_id_column_has_its_own_signs() -> None:
    assert flat(row(userId="a.b@c-d_e", classId="a.b:c-d_e")) == []
    assert flat(row(userId="a:b")) == [(2, "userId", "id-character")]
    assert flat(row(classId="a@b")) == [(2, "classId", "id-character")]


def test_a_school_may_have_any_id() -> None:
    assert flat(row(schoolId="Oak Street / 12 ü")) == []


@pytest.mark.parametrize("header", ["userId", "userDistrictId", "userStateId"])
def test_an_id_like_a_social_security_number_is_remarked(header: str) -> None:
    assert flat(row(**{header: "123-45-6789"})) == [(2, header, "id-looks-like-ssn")]
    assert flat(row(**{header: "000-45-6789"}), row(2, **{header: "923-45-6789"})) == []


@pytest.mark.parametrize("header", CHOICES)
def test_only_listed_values_are_accepted(header: str) -> None:
    assert flat(row(**{header: "Perhaps"})) == [(2, header, "value-not-allowed")]


@pytest.mark.parametrize(
    ("header", "value"), [(c.header, value) for c in DICTIONARY.columns if c.header != "action" for value in c.accepted]
)
def test_every_listed_value_is_accepted_exactly(header: str, value: str) -> None:
    assert flat(row(**{header: value})) == []
    if value.lower() != value:
        judged = screened(row(**{header: value.lower()}))
        assert [f.flat for f in judged.findings] == [(2, header, "value-not-allowed")]
        assert value in judged.findings[0].detail["hint"]


@pytest.mark.parametrize(("alias", "meant"), DICTIONARY.by_header["classGrade"].aliases.items())
def test_an_alias_is_read_as_its_value(alias: str, meant: str) -> None:
    judged = screened(row(classGrade=alias))
    assert [f.flat for f in judged.findings] == [(2, "classGrade", "value-alias")]
    assert judged.rows.classGrade.tolist() == [meant]


@pytest.mark.parametrize("word", ["Student", "student", "STUDENT"])
def test_students_are_not_for_this_file(word: str) -> None:
    assert flat(row(userRole=word)) == [(2, "userRole", "role-student")]


def test_staff_have_no_grade() -> None:
    assert flat(row(userGrade="3")) == [(2, "userGrade", "grade-for-staff")]


@pytest.mark.parametrize(
    "address",
    [
        "a@x",
        "no-at.example.org",
        "a@@example.org",
        "a b@example.org",
        "a..b@example.org",
        ".a@example.org",
        "a@example.org.",
        "a@.example.org",
        "Ann <a@example.org>",
        "mailto:a@example.org",
        "a@example.org;b@example.org",
        '"a b"@example.org',
        "a@[127.0.0.1]",
        "ä@example.org",
        "a@exa_mple.org",
        "a@example.org\r\nBcc: b@example.org",
        "a@-example.org",
        f"{'a' * 65}@example.org",
        f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 63}.org",
        "a@example.local",
    ],
)
def test_addresses_that_are_not_valid(address: str) -> None:
    assert flat(row(userEmail=address)) == [(2, "userEmail", "email-invalid")]


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("Ann.O'Brien+x@Example.ORG", "ann.o'brien+x@example.org"),
        ("a@münchen.example", "a@xn--mnchen-3ya.example"),
        ("A@XN--MNCHEN-3YA.example", "a@xn--mnchen-3ya.example"),
        (f"{'a' * 64}@example.org", f"{'a' * 64}@example.org"),
    ],
)
def test_addresses_are_folded_to_a_key(address: str, key: str) -> None:
    judged = screened(row(userEmail=address))
    assert judged.findings == ()
    assert judged.rows.userEmail.tolist() == [address]
    assert judged.rows.email_key.tolist() == [key]


@pytest.mark.parametrize("address", ["аnn@example.org", "ann@exаmple.org", "αnn@example.org"])
def test_look_alike_letters_come_before_syntax(address: str) -> None:
    assert flat(row(userEmail=address)) == [(2, "userEmail", "email-look-alike")]


def test_an_address_outside_the_district_is_remarked() -> None:
    known = ("district.org",)
    inside = [row(1, userEmail="a@district.org"), row(2, userEmail="b@K12.District.ORG")]
    assert flat(*inside, email_domains=known) == []
    outside = row(3, userEmail="a@notdistrict.org")
    assert flat(outside, email_domains=known) == [(2, "userEmail", "email-domain")]
    assert flat(outside) == []


@pytest.mark.parametrize("header", DATES)
@pytest.mark.parametrize("wrong", ["2026-02-30", "2026-13-01", "15.8.2026", "8/15/2026", "20260815", "2026-8-15", "soon"])
def test_dates_are_iso_dates(header: str, wrong: str) -> None:
    assert flat(row(**{header: wrong})) == [(2, header, "date-invalid")]


def test_the_last_day_is_not_before_the_first() -> None:
    assert flat(row(startDate="2026-09-02", endDate="2026-09-01")) == [(2, "endDate", "date-order")]
    assert flat(row(startDate="2026-09-01", endDate="2026-09-01")) == []
    assert flat(row(startDate="2026-09-02", endDate="then")) == [(2, "endDate", "date-invalid")]


@pytest.mark.parametrize("header", CLASS_NEEDS)
def test_a_named_class_needs_all_its_columns(header: str) -> None:
    assert flat(row(**{header: ""})) == [(2, header, "class-incomplete")]


def test_one_finding_names_all_missing_class_columns() -> None:
    judged = screened(staff(primaryTeacher="Yes"))
    assert [f.flat for f in judged.findings] == [(2, "classId", "class-incomplete")]
    assert judged.findings[0].detail["missing"] == "classId, className, classGrade"


def test_no_class_is_named_by_no_and_by_a_display_name() -> None:
    assert flat(staff(primaryTeacher="No", classDisplayName="Reading")) == []


@pytest.mark.parametrize(
    ("action", "key"), [(word, key) for word, action in DICTIONARY.actions.items() for key in action.keys]
)
def test_a_removal_needs_its_keys(action: str, key: str) -> None:
    assert flat(removal(action, **{key: ""})) == [(2, key, "action-incomplete")]
    assert flat(removal(action, **{key: "N/A"})) == [(2, key, "cell-placeholder")]


@pytest.mark.parametrize("action", DICTIONARY.actions)
def test_other_cells_of_a_removal_are_not_judged(action: str) -> None:
    others = DICTIONARY.headers - {"action", *DICTIONARY.actions[action].keys} if False else [
        header for header in DICTIONARY.headers if header not in ("action", *DICTIONARY.actions[action].keys)
    ]
    judged = screened(removal(action, **dict.fromkeys(others, " ä/\u200b N/A ")))
    assert judged.findings == ()
    assert judged.rows.status.tolist() == ["accepted"]
    assert {judged.rows[header].item() for header in others} == {""}


def test_a_row_with_an_unknown_action_is_not_asked_for_more() -> None:
    assert flat(removal("REMOVE-USER", action="remove-user")) == [(2, "action", "value-not-allowed")]


def test_all_faults_of_a_row_are_told_at_once() -> None:
    bad = row(userId="a b", userRole="Boss", userEmail="nobody", startDate="soon", userGrade="3")
    assert {code for _, _, code in flat(bad)} == {
        "id-character",
        "value-not-allowed",
        "email-invalid",
        "date-invalid",
        "grade-for-staff",
    }


def test_great_expectations_failing_is_our_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that raises is never "no bad rows", and the failure quotes no cell."""
    from rostersync import expectations_cells

    def broken(*_: object) -> None:
        raise RuntimeError("Quillfeather")

    monkeypatch.setattr(expectations_cells.addresses, "invalid", broken)
    with pytest.raises(SuiteFailed) as failure:
        screened(row())
    assert "Quillfeather" not in str(failure.value)


def test_results_must_be_complete() -> None:
    """A cut list of rows is noticed."""

    class Result:
        exception_info = {"raised_exception": False}
        result = {"unexpected_index_list": [1], "unexpected_count": 2}

    with pytest.raises(SuiteFailed):
        screening._rows_of(Result(), {"meta": {"code": "email-invalid"}})


def test_results_may_hold_an_exception_for_each_metric() -> None:
    assert screening._raised({"metric": {"raised_exception": True}})
    assert not screening._raised({"metric": {"raised_exception": False}})


def test_a_refused_reading_is_not_judged() -> None:
    refused = found("header-unknown", line=1, column="x")
    reading = reading_of(row(userEmail="nobody"))
    reading = type(reading)(
        header=reading.header, frame=reading.frame, lines=reading.lines, raw_rows=(), findings=(refused,), encoding=""
    )
    judged = screening.screen(reading, DICTIONARY)
    assert (judged.refused, judged.findings, len(judged.rows)) == (True, (refused,), 0)


def test_a_file_without_rows_is_judged() -> None:
    judged = screened()
    assert (judged.findings, len(judged.rows)) == ((), 0)


def test_rows_of_the_reader_are_there_and_rejected() -> None:
    broken = RawRow(line=3, text="a,b")
    reading = reading_of(row(), raw_rows=(broken,))
    judged = screening.screen(reading, DICTIONARY)
    assert judged.rows[["line", "status", "userId"]].to_numpy().tolist() == [
        [2, "accepted", "000001"],
        [3, "rejected", ""],
    ]


def test_absent_optional_columns_break_no_rule() -> None:
    present = [c.header for c in DICTIONARY.columns if c.header_required]
    judged = screened(row(), headers=present)
    assert judged.findings == ()
    assert [h for h in judged.rows.columns if h in DICTIONARY.headers] == present

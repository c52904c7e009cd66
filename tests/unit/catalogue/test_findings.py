"""The catalogue of findings: complete, plain, and safe to show where cells are not."""

from __future__ import annotations

import string

import pytest

from rostersync.catalogue import findings
from rostersync.catalogue.findings import finding_texts, make_finding
from rostersync.model import Severity

ENTRIES = list(finding_texts().values())
WORDING = [(entry.code, text) for entry in ENTRIES for text in (entry.message, entry.resolution)]


def test_the_catalogue_has_every_code_of_its_families() -> None:
    families = {entry.code.partition("-")[0] for entry in ENTRIES}
    assert families >= {
        "file",
        "header",
        "row",
        "cell",
        "id",
        "value",
        "role",
        "email",
        "class",
        "action",
        "date",
        "hold",
    }


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_an_entry_is_complete(entry) -> None:
    assert entry.by in ("F", "R", "P")
    assert entry.when
    assert entry.severities
    assert entry.code not in (entry.message, entry.resolution)


@pytest.mark.parametrize(("code", "text"), WORDING, ids=lambda part: part if " " not in part else "")
def test_a_sentence_is_whole_and_its_fields_are_plain(code: str, text: str) -> None:
    fields = [(name, form, turn) for _, name, form, turn in string.Formatter().parse(text) if name is not None]
    assert all(name.isidentifier() and not form and not turn for name, form, turn in fields)
    assert text[-1] in ".?}"
    assert "  " not in text


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_a_message_about_a_row_says_which(entry) -> None:
    if Severity.ROW in entry.severities:
        assert entry.message.startswith("Line {line}")


def test_missing_facts_do_not_stop_a_message() -> None:
    assert "…" in findings.message(make_finding("row-conflict", line=3))


def test_a_severity_must_be_one_of_the_codes() -> None:
    with pytest.raises(ValueError, match="cell-required"):
        make_finding("cell-required", severity=Severity.REMARK)


def test_an_unknown_code_is_a_bug() -> None:
    with pytest.raises(KeyError):
        make_finding("no-such-code")


def test_a_masked_message_holds_nothing_of_the_cell() -> None:
    finding = make_finding("email-invalid", line=2, column="userEmail", value="quillfeather", reason="it has no @")
    assert "quillfeather" not in findings.message(finding, masked=True)
    assert findings.message(finding, masked=True).startswith("Line 2, userEmail: the value is not")


def test_every_quoted_cell_can_be_masked() -> None:
    """Masking knows a cell by its quotation marks: a sentence that names it without them would show it in a mail."""
    sentences = [text for entry in finding_texts().values() for text in (entry.message, entry.resolution)]
    assert not [text for text in sentences if "{value}" in text.replace("'{value}'", "")]

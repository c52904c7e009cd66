"""The command line without a database: exit codes, streams and shapes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from rostersync import documentation
from rostersync.cli import app as cli
from rostersync.cli.lazy_commands import Table, load_command
from rostersync.configuration import dictionary
from rostersync.reporting.attachments import template_bytes
from rostersync.settings import PROJECT

ROW = {
    "schoolId": "0100",
    "userId": "004512",
    "userRole": "Teacher",
    "userFirstName": "María",
    "userLastName": "O'Brien",
    "userEmail": "m.obrien@example.org",
}


def users_csv(*changes: dict[str, str], header: str | None = None) -> bytes:
    """A file with one row for each set of changed cells."""
    headers = dictionary.load_dictionary().headers
    rows = [",".join({**ROW, **change}.get(name, "") for name in headers) for change in changes]
    return "\n".join([header or ",".join(headers), *rows, ""]).encode()


@pytest.fixture
def put(tmp_path: Path):
    def write(data: bytes, name: str = "users.csv") -> str:
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    return write


def test_a_good_file_exits_0_and_is_said_to_be_accepted(put, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["check", put(users_csv({}))]) == 0
    said = capsys.readouterr().out
    assert "Accepted" in said
    assert "would be applied" not in said
    assert "--district" in said


def test_row_faults_exit_1_with_every_fault_of_every_row(put, capsys: pytest.CaptureFixture[str]) -> None:
    file = put(users_csv({"userEmail": "nobody", "userRole": "teacher"}, {"userId": "1", "userLastName": ""}))
    assert cli.run(["check", file, "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "accepted_with_errors"
    assert told["rows"] == {"read": 2, "accepted": 0, "rejected": 2, "set_aside": 0}
    assert {(each["line"], each["column"], each["code"]) for each in told["findings"]} >= {
        (2, "userEmail", "email-invalid"),
        (2, "userRole", "value-not-allowed"),
        (3, "userLastName", "cell-required"),
    }
    assert set(told["findings"][0]) == {"code", "severity", "line", "column", "message", "resolution"}


def test_header_faults_exit_2_and_are_told_all_at_once(put, capsys: pytest.CaptureFixture[str]) -> None:
    header = (
        ",".join(dictionary.load_dictionary().headers)
        .replace("userFirstName", "userFristName")
        .replace("userId", "UserId")
    )
    assert cli.run(["check", put(users_csv({}, header=header)), "--format", "json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert {(each["column"], each["code"]) for each in told["findings"]} == {
        ("userFristName", "header-misspelled"),
        ("UserId", "header-capitalization"),
    }


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["bogus"],
        ["check"],
        ["check", "/no/such/file.csv"],
        ["check", "/"],
        ["check", "--format", "xml", "x"],
        ["check", "x", "--district", "no-such-district"],
        ["sync", "--force"],
        ["sync", "--reason", "because"],
        ["sync", "--file", "x"],
        ["sample", "--districts", "0"],
        ["dictionary", "--format", "pdf"],
        ["db"],
    ],
)
def test_wrong_usage_exits_4_and_says_nothing_on_stdout(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(words) == 4
    told = capsys.readouterr()
    assert (told.out, "Traceback" in told.err) == ("", False)
    assert told.err


def test_help_and_version_exit_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert [cli.run(words) for words in (["--help"], ["sync", "--help"], ["--version"])] == [0, 0, 0]


def test_a_file_comes_through_a_pipe_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(users_csv({}))))
    assert cli.run(["check", "-"]) == 0
    assert "standard input" in capsys.readouterr().out


def test_a_personal_cell_is_in_no_output(put, capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["check", put(users_csv({"userEmail": "canary@@example.org", "userFirstName": "canary\u200b"}))])
    told = capsys.readouterr()
    assert "canary" not in told.out + told.err


@pytest.mark.parametrize("name", ["errors.csv", "errors.xlsx"])
def test_the_rejected_rows_are_written_where_asked(put, tmp_path: Path, name: str) -> None:
    file = put(users_csv({"userEmail": "nobody"}, {"userId": "2", "userEmail": "b@example.org"}))
    assert cli.run(["check", file, "--errors-file", str(tmp_path / name)]) == 1
    assert (tmp_path / name).read_bytes().startswith(b"PK" if name.endswith("xlsx") else b"\xef\xbb\xbf")


def test_the_error_file_never_overwrites_the_file_itself(put) -> None:
    file = put(users_csv({"userEmail": "nobody"}))
    assert cli.run(["check", file, "--errors-file", file]) == 4
    assert Path(file).read_bytes() == users_csv({"userEmail": "nobody"})


def test_nothing_is_written_when_no_row_was_rejected(put, tmp_path: Path) -> None:
    assert cli.run(["check", put(users_csv({})), "--errors-file", str(tmp_path / "e.csv")]) == 0
    assert not (tmp_path / "e.csv").exists()


def test_a_bug_exits_5_with_a_reference_and_without_its_text(
    put, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret cell")

    monkeypatch.setattr("rostersync.pipeline.check", broken)
    assert cli.run(["check", put(users_csv({}))]) == 5
    told = capsys.readouterr().err
    assert ("RuntimeError-" in told, "secret cell" in told, "Traceback" in told) == (True, False, False)
    assert cli.run(["--debug", "check", put(users_csv({}))]) == 5
    assert "Traceback" in capsys.readouterr().err


def test_the_template_is_accepted_and_lists_every_header(put, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    data = template_bytes(dictionary.load_dictionary())
    assert data.decode("utf-8-sig").strip().split(",") == list(dictionary.load_dictionary().headers)
    assert cli.run(["check", put(data)]) == 0


@pytest.mark.parametrize("form", documentation.WRITERS)
def test_the_dictionary_names_every_column_and_word_in_each_format(form: str) -> None:
    page = documentation.WRITERS[form](dictionary.load_dictionary())
    for column in dictionary.load_dictionary().columns:
        assert column.header in page
        assert all(word in page for word in column.accepted)


def test_generated_files_are_up_to_date() -> None:
    assert documentation.stale() == {}


def test_documented_commands_are_the_ones_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    """The README names every command and no other."""
    readme = (Path(cli.__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert all(f"`rostersync {name}" in readme for name in {*cli.COMMANDS, "db upgrade"})


@pytest.mark.parametrize(
    "table", [cli.COMMANDS, cli.DATABASE, cli.MAIL, cli.SOURCE], ids=["top", "db", "mail", "source"]
)
def test_the_list_of_commands_says_what_each_command_says_of_itself(table: Table) -> None:
    for name, (module, line) in table.items():
        assert load_command(name, module).help.splitlines()[0] == line


def test_help_imports_no_command_and_nothing_heavy() -> None:
    script = (
        "import sys; from rostersync.cli import app; assert app.run(['--help']) == app.run(['db', '--help']) == 0;"
        "print([m for m in sys.modules if m in {'pandas', 'sqlalchemy', 'yaml'} or '.commands.' in m])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe\x00", b"PK\x03\x04zip", b'a,"b\n', b"\x00" * 50, b"a;b;c\n1;2;3\n", "ü,é\n".encode("latin-1")],
)
def test_no_file_leads_to_a_traceback(put, data: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["check", put(data)]) == 2
    assert capsys.readouterr().err == ""

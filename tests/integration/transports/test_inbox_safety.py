"""An inbox whose file is moved after reading, and one that two districts share: no upload is lost, none is mixed up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from rostersync import pipeline
from rostersync.configuration import districts
from rostersync.exceptions import ConfigurationError
from rostersync.model import Outcome
from rostersync.transports import FolderTransport, Transport
from tests.support.district_nights import Nights, district, person


class UploadBeforeMove(FolderTransport):
    """A contact who sends the next file in the very moment before the read one is moved."""

    nights: Nights

    def move(self, *read: Any) -> Any:
        self.nights.put([person(2)], at=self.nights.now)
        return super().move(*read)


def moving(nights: Nights) -> pipeline.Services:
    nights.config = district(nights.inbox, policies={"after_read": "move"})
    return nights.services


def with_upload_before_move(nights: Nights) -> pipeline.Services:
    @contextmanager
    def open_transport(_: Any) -> Iterator[Transport]:
        transport = UploadBeforeMove(nights.inbox, "users*.csv")
        transport.nights = nights
        yield transport

    return replace(moving(nights), open_transport=open_transport)


def test_an_upload_between_reading_and_moving_is_applied_the_next_night(nights: Nights) -> None:
    nights.put([person(1)])
    pipeline.sync(with_upload_before_move(nights), nights.run(), nights.config.code)
    assert nights.people() == ["u1"]
    nights.now += timedelta(days=1)
    [second] = pipeline.sync(moving(nights), nights.run("night-2"), nights.config.code)
    assert (second.outcome, nights.people()) == (Outcome.APPLIED, ["u1", "u2"])
    assert [path.name for path in nights.inbox.iterdir()] == ["processed"]


def test_what_a_killed_move_left_hidden_is_looked_at_the_next_night(nights: Nights) -> None:
    services = moving(nights)
    nights.put([person(1)], ".rostersync-moving-0a1b2c3d-users.csv")
    [result] = pipeline.sync(services, nights.run(), nights.config.code)
    assert (result.outcome, nights.people()) == (Outcome.APPLIED, ["u1"])


def test_a_stale_marker_does_not_vouch_for_a_growing_file(nights: Nights) -> None:
    """The marker was left by the night before; the upload of tonight has only begun."""
    nights.settle_seconds = 5
    nights.put([person(1)], at=nights.now - timedelta(hours=1))
    nights.put(b"", "users.csv.done", at=nights.now - timedelta(days=1))
    nights.sync()
    assert nights.slept == [5]


@pytest.fixture
def include(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Configuration files of the test's own, beside the project's dictionary and templates."""
    from rostersync.settings import include_path

    made = tmp_path / "include"
    made.mkdir()
    for entry in include_path().iterdir():
        if entry.name != "districts":
            (made / entry.name).symlink_to(entry)
    (made / "districts").mkdir()
    monkeypatch.setenv("ROSTERSYNC_INCLUDE", str(made))
    return made


def configure(include: Path, code: str, folder: str, **source: str) -> None:
    raw = {"code": code, "name": code.title(), "state": "CA", "source": {"file": folder, **source}}
    (include / "districts" / f"{code}.yaml").write_text(yaml.safe_dump(raw))


def pulling(nights: Nights) -> pipeline.Services:
    return replace(nights.services, district=districts.load_district)


@pytest.mark.parametrize("other", ["./inbox", "inbox/../inbox", "link"])
def test_a_wave_reads_no_inbox_that_two_districts_share(nights: Nights, include: Path, other: str) -> None:
    """Whose file it is could not be said; every other district goes on."""
    (nights.folder / "link").symlink_to(nights.inbox)
    (nights.folder / "oak").mkdir()
    configure(include, "springfield", str(nights.inbox))
    configure(include, "birch", f"{nights.folder}/{other}", pattern="users*.csv")
    configure(include, "oak", str(nights.folder / "oak"))
    nights.put([person(1)])
    services, run = pulling(nights), nights.run()
    assert pipeline.list_districts(services, run, "nightly") == ["birch", "oak", "springfield"]
    for code, named in (("birch", "springfield"), ("springfield", "birch")):
        with pytest.raises(ConfigurationError, match=named):
            pipeline.pull(services, run, code)
    assert pipeline.pull(services, run, "oak").outcome is Outcome.NO_FILE
    assert nights.states() == []


def test_a_corrected_configuration_is_believed_by_the_same_run(nights: Nights, include: Path) -> None:
    configure(include, "springfield", str(nights.inbox))
    configure(include, "birch", str(nights.inbox))
    nights.put([person(1)])
    services, run = pulling(nights), nights.run()
    pipeline.list_districts(services, run, "nightly")
    configure(include, "birch", str(nights.folder / "birch"))
    assert len(pipeline.pull(services, run, "springfield").deliveries) == 1


def test_a_single_district_by_hand_is_checked_too(nights: Nights, include: Path) -> None:
    """Without a list of the run's districts."""
    configure(include, "springfield", str(nights.inbox))
    configure(include, "birch", f"{nights.inbox}/", pattern="*.csv")
    with pytest.raises(ConfigurationError, match="birch"):
        pipeline.pull(pulling(nights), nights.run(), "springfield")


def test_a_disabled_district_reads_nothing_and_stops_nobody(nights: Nights, include: Path) -> None:
    configure(include, "springfield", str(nights.inbox))
    configure(include, "birch", str(nights.inbox))
    path = include / "districts" / "birch.yaml"
    path.write_text(path.read_text() + "enabled: false\n")
    nights.put([person(1)])
    assert len(pipeline.pull(pulling(nights), nights.run(), "springfield").deliveries) == 1

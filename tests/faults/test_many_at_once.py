"""F31-F33: many processes at one district, twice started tasks, and tasks that wake up too late."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.fault_bench import NIGHT, Bench
from tests.faults.markers import fault, long
from tests.faults.scenario import CANARY, FILE, LAST_NIGHT, Cells, person, teaching
from tests.faults.test_database_away import stopped
from tests.faults.test_process_death import assert_undisturbed

PROCESSES = 8
BEARABLE = {"error: lost-claim", "error: district-busy", "error: file-changed-while-read"}
"""What a loser of a fight may say: each means that another process did the work, or that the next try will."""


def content(number: int) -> list[Cells]:
    """The same people, one of them renamed and another moved, and somebody new each time."""
    moved = person(7, schoolId=("100", "200")[number % 2])
    return [teaching(1, "c1", userLastName=f"{CANARY}-{number}"), moved, person(f"n{number % 5}"), *LAST_NIGHT[1:6]]


LOOKS = "SELECT count(*) FROM intake.arrival WHERE run_id LIKE 'p%%'"


class Writer(threading.Thread):
    """Puts a new file into the inbox whenever so many looks at it were made."""

    def __init__(self, bench: Bench, contents: int, looks: int) -> None:
        super().__init__(name="writer", daemon=True)
        self.bench, self.written, self.end = bench, 0, threading.Event()
        self.contents, self.looks = contents, looks

    def run(self) -> None:
        while self.written < self.contents:
            self.written += 1
            self.put()
            while self.bench.sql(LOOKS)[0][0] < self.written * self.looks:
                if self.end.wait(0.05):
                    return

    def put(self) -> None:
        nights = self.bench.nights
        nights.put(content(self.written), ".next")
        (nights.inbox / ".next").rename(nights.inbox / FILE)


def fight(bench: Bench, rounds: int, contents: int, record: Callable[[str, object], None]) -> Counter[str]:
    bench.own_story = True
    writer = Writer(bench, contents, rounds * PROCESSES // contents)
    writer.start()
    pids = [bench.begin(run=f"p{number}", repeat=rounds, lock_seconds=60.0) for number in range(PROCESSES)]
    told: Counter[str] = Counter()
    for pid in pids:
        told.update(bench.well(bench.end(pid)))
    writer.end.set()
    writer.join()
    bench.fine(run="last", steps=[*NIGHT, "relay"])
    record("rounds of many processes at one district", rounds * PROCESSES)
    record("contents they fought for", writer.written)
    last = bench.sql("SELECT last_name FROM roster.person WHERE user_id = %s", f"{CANARY}1")
    assert last == [(f"{CANARY}-{writer.written}",)]
    return told


def assert_each_applied_once(bench: Bench, told: Counter[str]) -> None:
    errors = {word for word in told if word and word.startswith("error")}
    assert errors <= BEARABLE, told
    assert set(bench.nights.states()) == {"applied"}
    applied = bench.sql(
        "SELECT delivery, count(*) FROM intake.attempt WHERE changes > 0 GROUP BY 1 HAVING count(*) > 1"
    )
    assert applied == []


@fault("F31", "Eight processes at one district, again and again: each content is applied once, nothing is lost.")
@long
@pytest.mark.timeout(900)
def test_f31_long(bench: Bench, record_property: Callable[[str, object], None]) -> None:
    assert_each_applied_once(bench, fight(bench, 200, 25, record_property))


@fault("F31", "The same for a few rounds.")
def test_f31(bench: Bench, record_property: Callable[[str, object], None]) -> None:
    assert_each_applied_once(bench, fight(bench, 2, 2, record_property))


@fault("F31", "The district's lock is held: the loser waits so long, then says that the district is busy.")
def test_f31_busy(bench: Bench) -> None:
    with stopped(bench, "upsert.after_write") as pid:
        ended = bench.night(run="night-3", lock_seconds=1.0, session={"lock_timeout": "1s"})
        assert ended.error == "district-busy"
    bench.well(bench.end(pid))
    assert_undisturbed(bench)


@fault(
    "F32", "The same task started twice at once: one apply, one mail each; the other finds it done or lost its claim."
)
def test_f32(bench: Bench) -> None:
    pids = [bench.begin() for _ in range(2)]
    ends = [bench.end(pid) for pid in pids]
    assert {end.error for end in ends} <= {None, "lost-claim"}
    assert None in {end.error for end in ends}
    assert_undisturbed(bench)


@fault("F33", "A zombie wakes after another try has done its work: it commits nothing.")
@pytest.mark.parametrize("point", ["validate.after_claim", "upsert.after_claim"])
def test_f33(bench: Bench, point: str) -> None:
    pid = bench.begin(point=point, signal="STOP")
    assert bench.end(pid).code is None
    bench.fine()
    assert_undisturbed(bench)
    os.kill(pid, signal.SIGCONT)
    assert bench.end(pid).error in ("lost-claim", None)
    assert_undisturbed(bench)


@fault("F33", "A zombie wakes after the next night has applied a newer file: it commits nothing, and holds nothing.")
@pytest.mark.parametrize("point", ["validate.after_claim", "validate.after_commit", "upsert.after_claim"])
@pytest.mark.parametrize("finisher", ["night-2", "night-3"])
def test_f33_late(bench: Bench, point: str, finisher: str) -> None:
    bench.own_story = True
    pid = bench.begin(point=point, signal="STOP")
    assert bench.end(pid).code is None
    bench.fine(run=finisher)
    bench.nights.put(content(1), FILE, at=bench.nights.now)
    bench.fine(run="night-4")
    now, mails = bench.roster, bench.nights.messages()
    os.kill(pid, signal.SIGCONT)
    assert bench.end(pid).error in ("lost-claim", None)
    assert (bench.roster, bench.nights.messages(), bench.nights.states()) == (now, mails, ["applied"] * 3)

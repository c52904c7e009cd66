"""The canary night through Airflow, and every place that must know none of its canaries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from tests.e2e.running import Running, wait_for
from tests.support.airflow_nights import DAG
from tests.support.canaries import night as canary_night
from tests.support.canaries import words as canaries
from tests.support.canaries.night import CODES
from tests.support.canaries.words import Violation

CELLS = ("finding", "plan", "change", "report", "report_file")
ADDRESSES_AND_NAMES = ("message", "arrival")
ALLOWED_TABLES = ("roster", *(f"intake.{name}" for name in (*CELLS, *ADDRESSES_AND_NAMES)))
COMMANDS = (
    ("sync", "--district", "egret", "--district", "falcon", "--district", "heron"),
    ("sync", "--district", "egret", "--district", "heron", "--dry-run", "--format", "json"),
    ("doctor",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryNight:
    """How it ended, what commands printed afterwards, and the arguments of all processes meanwhile."""

    run_id: str
    states: dict[str, list[str]]
    killed: str
    held: str
    said: str
    arguments: list[Violation]


def spend(running: Running) -> CanaryNight:
    """Run it: two tasks break and are cleared, two fail for good, one delivery is asked about."""
    canary_night.put(running.country)
    canary_night.refuse_mail(running.smtp)
    running.crash_once.unlink()
    with canaries.watched_arguments() as arguments, canary_night.quoting_database(running.owner):
        run_id = running.api.trigger(DAG, {"districts": list(CODES)})
        killed = _clear_what_broke(running, run_id)
        running.api.wait_for_run(DAG, run_id)
        held = _held(running)
        running.wait_for_question(held)
        said = "".join(running.command(*words) for words in COMMANDS)
        said += running.command("plan", held)
    return CanaryNight(
        run_id=run_id, states=running.states(run_id), killed=killed, held=held, said=said, arguments=arguments.found()
    )


def _clear_what_broke(running: Running, run_id: str) -> str:
    """Once a worker was killed and the line was cut: whose upsert it was."""

    def broken() -> tuple[list[str], list[str]]:
        states = running.states(run_id)
        waits = (
            [code for code, state in zip(CODES, states.get(step, []), strict=False) if state == "up_for_retry"]
            for step in ("upsert", "pull")
        )
        killed, cut = waits
        return killed, cut

    wait_for(lambda: all(broken()))
    [killed], _ = broken()
    both = [("district.upsert", CODES.index(killed)), ("district.pull", CODES.index("ibis"))]
    running.api.clear(DAG, run_id, both)
    return killed


def _held(running: Running) -> str:
    with running.owner.connect() as conn:
        found = conn.exec_driver_sql("SELECT id FROM intake.delivery WHERE district = 'grouse' AND state = 'held'")
        return str(found.scalar_one())


def hits(running: Running, night: CanaryNight) -> list[Violation]:
    """Every canary outside roster, intake tables, landing store, report store and the addressed mail."""
    return [*night.arguments, *canaries.hits("stdout and stderr", night.said), *_files(running), *_databases(running)]


def _files(running: Running) -> Iterator[Violation]:
    """Logs, temporary files, the state folder, the database server's log; not the inboxes and what we configured."""
    allowed = [running.country.folder / "inbox", running.country.include / "districts", running.state / "landing"]
    data = running.server.home / "data"
    yield from canaries.in_files(running.country.folder, besides=[*allowed, data])
    yield from canaries.hits("log of the database server", (data / "server.log").read_bytes())


def _databases(running: Running) -> Iterator[Violation]:
    """All of Airflow's, and what is left of the roster's; the subjects of mails."""
    roster = running.server.url_of("postgres", "roster")
    yield from canaries.in_database(running.server.airflow_url)
    yield from canaries.in_database(roster, besides=ALLOWED_TABLES)
    yield from canaries.in_column(roster, "intake.report", "subject")
    for mail in running.smtp.accepted:
        yield from canaries.hits("subject of a mail", str(mail.message["Subject"]))


def found_where_they_belong(running: Running) -> set[str]:
    """The canaries that a search of the allowed places finds."""
    roster = running.server.url_of("postgres", "roster")
    places = [*canaries.in_database(roster), *canaries.in_files(running.state / "landing")]
    return {hit.word for hit in places}


def plant(running: Running, word: str) -> list[str]:
    """Write a canary into a task's log, Airflow's own table and the server's log; the places that must report it."""
    log = running.logs / "planted.log"
    log.write_text(f"said {word}")
    with psycopg.connect(running.server.url_of("postgres", "airflow").replace("+psycopg", ""), autocommit=True) as conn:
        conn.execute("INSERT INTO log (event, dttm) VALUES (%s, now())", [word])
        conn.execute(f"DO $$ BEGIN RAISE LOG 'said {word}'; END $$")
    return [str(log), "table public.log", "log of the database server"]

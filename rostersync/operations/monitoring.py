"""The watcher: what needs a person's look, from the ledger and the configuration alone. It works with Airflow down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter
from sqlalchemy import Connection

from rostersync import ledger
from rostersync.catalogue.alerts import Alert, alert
from rostersync.configuration import districts
from rostersync.configuration.districts import District
from rostersync.configuration.waves import Wave, district_files, waves
from rostersync.ledger import Looks
from rostersync.model import DeliveryState
from rostersync.pipeline.context import Edges, transaction

STARTING = timedelta(hours=3)
"""A wave is given this long until its inboxes count as not read."""
FINISHING = timedelta(hours=12)
"""Longer than any task is tried: what is not finished then waits for a person."""
DECIDING = timedelta(days=3)
SENDING = {"queued": timedelta(hours=2), "sending": timedelta(hours=2), "deferred": timedelta(hours=4)}
"""How long a mail may wait, by its state, until it is told of."""
REMEMBERED = timedelta(days=7)
"""How long mails that ended badly are told of."""
HOUSEKEEPING = timedelta(days=2)
"""Housekeeping may be late by this much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """What all questions are asked of. `met`: since when the roster knows a district."""

    conn: Connection
    now: datetime
    known: Mapping[str, District]
    met: Mapping[str, datetime]
    looks: Mapping[str, Looks]

    def enabled(self) -> Iterator[District]:
        """The districts that send files."""
        return (each for each in self.known.values() if each.enabled)

    def day(self, district: District, moment: datetime | None = None) -> date:
        return (moment or self.now).astimezone(district.zone).date()


def watch(edges: Edges, *, missing_pools: Sequence[str] = ()) -> list[Alert]:
    """Everything that needs a person's look. Raises DatabaseUnavailable, SchemaMismatch, ConfigurationError."""
    known, wrong = districts.load_readable()
    with transaction(edges, None) as conn:
        met, looks = ledger.met_since(conn), ledger.looks(conn)
        scene = _Scene(conn=conn, now=edges.clock(), known=known, met=met, looks=looks)
        found = [alert("misconfigured", code, reason=error.message) for code, error in wrong.items()]
        gone = sorted(met.keys() - known.keys() - wrong.keys())
        found += [alert("misconfigured", code, reason="its file is gone, its data is still here.") for code in gone]
        for question in (_waves, _files, _deliveries, _held, _mails, _drops, _dates, _sweeps):
            found += question(scene)
    return found + [alert("pool-missing", subject=pool) for pool in missing_pools]


def _waves(scene: _Scene) -> Iterator[Alert]:
    """Waves of which no inbox was read since their last start; else the inboxes that were not."""
    new = {path.stem for path in district_files() if _moment(path.stat().st_mtime) > scene.now - HOUSEKEEPING}
    for wave in waves():
        start = _last_start(wave, scene.now - STARTING)
        mine = [each for each in scene.enabled() if each.wave == wave.name]
        missed = [each for each in mine if each.code not in scene.looks or scene.looks[each.code].last < start]
        if mine and len(missed) == len(mine):
            yield alert("wave-missed", subject=wave.name, at=_minute(start))
            continue
        for each in missed:
            last = scene.looks.get(each.code)
            if last is None and each.code in new:
                continue  # it came to the configuration after that start
            since = _minute(last.last) if last else "never"
            yield alert("not-looked-at", each.code, wave=wave.name, at=_minute(start), since=since)


def _last_start(wave: Wave, before: datetime) -> datetime:
    start: datetime = croniter(wave.cron, before.astimezone(ZoneInfo(wave.timezone))).get_prev(datetime)
    return start


def _files(scene: _Scene) -> Iterator[Alert]:
    """Inboxes without any file, however often they are looked at (days of a blackout do not count); and with files
    whose names are only near the expected one.
    """
    for district in scene.enabled():
        seen = scene.looks.get(district.code)
        if seen is None:
            continue
        if seen.near_names:
            yield alert("near-name", district.code, count=seen.near_names)
        quiet = _quiet_days(scene, district, seen.last_file or seen.first)
        if quiet < max(district.limits.quiet_days, 1):
            continue
        if seen.last_file is None:
            yield alert("never-seen", district.code, since=_day(seen.first))
        else:
            yield alert("no-file", district.code, days=quiet, since=_day(seen.last_file))


def _quiet_days(scene: _Scene, district: District, since: datetime) -> int:
    """Whole days of the district between a moment and today, without those of a blackout."""
    first, today = scene.day(district, since), scene.day(district)
    days = (first + timedelta(days=n) for n in range(1, (today - first).days))
    return sum(not district.in_blackout(day) for day in days)


def _deliveries(scene: _Scene) -> Iterator[Alert]:
    """Deliveries that failed or got stuck; what waits for the end of a blackout is not stuck."""
    states = (DeliveryState.FAILED, DeliveryState.PULLED, DeliveryState.VALIDATED)
    for left in ledger.left_unfinished(scene.conn, states, scene.now - FINISHING):
        district, since = scene.known.get(left.district), _minute(left.since)
        if left.state is DeliveryState.FAILED:
            yield alert("delivery-failed", left.district, left.delivery, since=since)
        elif district is None or not _waits(scene, district):
            yield alert("delivery-stuck", left.district, left.delivery, state=left.state.value, since=since)


def _waits(scene: _Scene, district: District) -> bool:
    """A blackout is on, or ended so lately that no wave may have started since."""
    today = scene.day(district)
    return district.in_blackout(today) or district.in_blackout(today - timedelta(days=1))


def _held(scene: _Scene) -> Iterator[Alert]:
    for each in ledger.waiting(scene.conn):
        if each.held_at < scene.now - DECIDING:
            yield alert("delivery-held", each.district, each.delivery, since=_minute(each.held_at))


def _mails(scene: _Scene) -> Iterator[Alert]:
    codes = {"queued": "mail-waiting", "sending": "mail-waiting"}
    for state, patience in SENDING.items():
        for each in ledger.mails(scene.conn, state, until=scene.now - patience):
            code = codes.get(state, f"mail-{state}")
            yield alert(code, each.district, count=each.count, since=_minute(each.oldest))
    for state in ("refused", "unknown"):
        for each in ledger.mails(scene.conn, state, since=scene.now - REMEMBERED):
            yield alert(f"mail-{state}", each.district, count=each.count, latest=_minute(each.latest))


def _drops(scene: _Scene) -> Iterator[Alert]:
    """Lists of rows that do not get into the district's reports folder: its contacts' mails only say where they are."""
    for each in ledger.drops(scene.conn, "queued", "deferred", until=scene.now - SENDING["deferred"]):
        yield alert("drop-deferred", each.district, count=each.count, since=_minute(each.oldest))
    for each in ledger.drops(scene.conn, "refused", since=scene.now - REMEMBERED):
        yield alert("drop-refused", each.district, count=each.count, latest=_minute(each.latest))


def _dates(scene: _Scene) -> Iterator[Alert]:
    done = ledger.dated_until(scene.conn)
    for code, district in scene.known.items():
        if code not in scene.met:
            continue
        last = done.get(code, scene.day(district, scene.met[code]))
        if scene.day(district) - last >= HOUSEKEEPING:
            yield alert("dates-missed", code, since=last.isoformat())


def _sweeps(scene: _Scene) -> Iterator[Alert]:
    oldest = min(scene.met.values(), default=scene.now)
    last = ledger.last_sweep(scene.conn) or oldest
    if scene.now - last > HOUSEKEEPING:
        yield alert("sweep-missed", since=_day(last))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()

"""The watcher: what needs a person's look, from the ledger and the configuration alone. It works with Airflow down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter
from sqlalchemy import Connection

from rostersync import ledger
from rostersync.catalogue.alerts import Alert, make_alert
from rostersync.configuration import districts
from rostersync.configuration.districts import District
from rostersync.configuration.waves import Wave, district_files, waves
from rostersync.ledger import InboxScans
from rostersync.model import DeliveryState
from rostersync.pipeline.context import Services, district_transaction

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
class _WatchContext:
    """What all questions are asked of. `met`: since when the roster knows a district."""

    conn: Connection
    now: datetime
    known: Mapping[str, District]
    met: Mapping[str, datetime]
    looks: Mapping[str, InboxScans]

    def enabled(self) -> Iterator[District]:
        """The districts that send files."""
        return (district for district in self.known.values() if district.enabled)

    def day(self, district: District, moment: datetime | None = None) -> date:
        return (moment or self.now).astimezone(district.zone).date()


def watch(services: Services, *, missing_pools: Sequence[str] = ()) -> list[Alert]:
    """Everything that needs a person's look. Raises DatabaseUnavailable, SchemaMismatch, ConfigurationError."""
    known, wrong = districts.load_readable()
    with district_transaction(services, None) as conn:
        met, looks = ledger.seen_files_since(conn), ledger.inbox_scans(conn)
        scene = _WatchContext(conn=conn, now=services.clock(), known=known, met=met, looks=looks)
        found = [make_alert("misconfigured", code, reason=error.message) for code, error in wrong.items()]
        gone = sorted(met.keys() - known.keys() - wrong.keys())
        found += [
            make_alert("misconfigured", code, reason="its file is gone, its data is still here.") for code in gone
        ]
        for question in (_waves, _files, _deliveries, _held, _mails, _drops, _dates, _sweeps):
            found += question(scene)
    return found + [make_alert("pool-missing", subject=pool) for pool in missing_pools]


def _waves(scene: _WatchContext) -> Iterator[Alert]:
    """Waves of which no inbox was read since their last start; else the inboxes that were not."""
    new = {path.stem for path in district_files() if _moment(path.stat().st_mtime) > scene.now - HOUSEKEEPING}
    for wave in waves():
        start = _last_start(wave, scene.now - STARTING)
        mine = [district for district in scene.enabled() if district.wave == wave.name]
        missed = [
            wave_district
            for wave_district in mine
            if wave_district.code not in scene.looks or scene.looks[wave_district.code].last < start
        ]
        if mine and len(missed) == len(mine):
            yield make_alert("wave-missed", subject=wave.name, at=_minute(start))
            continue
        for missed_district in missed:
            last = scene.looks.get(missed_district.code)
            if last is None and missed_district.code in new:
                continue  # it came to the configuration after that start
            since = _minute(last.last) if last else "never"
            yield make_alert("not-looked-at", missed_district.code, wave=wave.name, at=_minute(start), since=since)


def _last_start(wave: Wave, before: datetime) -> datetime:
    start: datetime = croniter(wave.cron, before.astimezone(ZoneInfo(wave.timezone))).get_prev(datetime)
    return start


def _files(scene: _WatchContext) -> Iterator[Alert]:
    """Inboxes without any file, however often they are looked at (days of a blackout do not count); and with files
    whose names are only near the expected one.
    """
    for district in scene.enabled():
        seen = scene.looks.get(district.code)
        if seen is None:
            continue
        if seen.near_names:
            yield make_alert("near-name", district.code, count=seen.near_names)
        unchanged = _quiet_days(scene, district, seen.last_file or seen.first)
        if unchanged < max(district.limits.quiet_days, 1):
            continue
        if seen.last_file is None:
            yield make_alert("never-seen", district.code, since=_day(seen.first))
        else:
            yield make_alert("no-file", district.code, days=unchanged, since=_day(seen.last_file))


def _quiet_days(scene: _WatchContext, district: District, since: datetime) -> int:
    """Whole days of the district between a moment and today, without those of a blackout."""
    first, today = scene.day(district, since), scene.day(district)
    days = (first + timedelta(days=n) for n in range(1, (today - first).days))
    return sum(not district.in_blackout(day) for day in days)


def _deliveries(scene: _WatchContext) -> Iterator[Alert]:
    """Deliveries that failed or got stuck; what waits for the end of a blackout is not stuck."""
    states = (DeliveryState.FAILED, DeliveryState.PULLED, DeliveryState.VALIDATED)
    for left in ledger.left_unfinished(scene.conn, states, scene.now - FINISHING):
        district, since = scene.known.get(left.district), _minute(left.since)
        if left.state is DeliveryState.FAILED:
            yield make_alert("delivery-failed", left.district, left.delivery, since=since)
        elif district is None or not _waits(scene, district):
            yield make_alert("delivery-stuck", left.district, left.delivery, state=left.state.value, since=since)


def _waits(scene: _WatchContext, district: District) -> bool:
    """A blackout is on, or ended so lately that no wave may have started since."""
    today = scene.day(district)
    return district.in_blackout(today) or district.in_blackout(today - timedelta(days=1))


def _held(scene: _WatchContext) -> Iterator[Alert]:
    for held in ledger.waiting(scene.conn):
        if held.held_at < scene.now - DECIDING:
            yield make_alert("delivery-held", held.district, held.delivery, since=_minute(held.held_at))


def _mails(scene: _WatchContext) -> Iterator[Alert]:
    codes = {"queued": "mail-waiting", "sending": "mail-waiting"}
    for state, patience in SENDING.items():
        for mail in ledger.mails(scene.conn, state, until=scene.now - patience):
            code = codes.get(state, f"mail-{state}")
            yield make_alert(code, mail.district, count=mail.count, since=_minute(mail.oldest))
    for state in ("refused", "unknown"):
        for outgoing in ledger.mails(scene.conn, state, since=scene.now - REMEMBERED):
            yield make_alert(f"mail-{state}", outgoing.district, count=outgoing.count, latest=_minute(outgoing.latest))


def _drops(scene: _WatchContext) -> Iterator[Alert]:
    """Lists of rows that do not get into the district's reports folder: its contacts' mails only say where they are."""
    for drop in ledger.drops(scene.conn, "queued", "deferred", until=scene.now - SENDING["deferred"]):
        yield make_alert("drop-deferred", drop.district, count=drop.count, since=_minute(drop.oldest))
    for refused_drop in ledger.drops(scene.conn, "refused", since=scene.now - REMEMBERED):
        yield make_alert(
            "drop-refused", refused_drop.district, count=refused_drop.count, latest=_minute(refused_drop.latest)
        )


def _dates(scene: _WatchContext) -> Iterator[Alert]:
    done = ledger.dated_until(scene.conn)
    for code, district in scene.known.items():
        if code not in scene.met:
            continue
        last = done.get(code, scene.day(district, scene.met[code]))
        if scene.day(district) - last >= HOUSEKEEPING:
            yield make_alert("dates-missed", code, since=last.isoformat())


def _sweeps(scene: _WatchContext) -> Iterator[Alert]:
    oldest = min(scene.met.values(), default=scene.now)
    last = ledger.last_sweep(scene.conn) or oldest
    if scene.now - last > HOUSEKEEPING:
        yield make_alert("sweep-missed", since=_day(last))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()

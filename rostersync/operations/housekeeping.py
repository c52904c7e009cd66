"""What is due in every district, whether a file came or not: dates, the end of waiting, retention.

One district's trouble keeps no other from its turn; it is raised when all had theirs, as one that is worth another try
if any is. A district whose file in `include/districts` is gone or wrong is left alone: the watcher tells of it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from rostersync import ledger
from rostersync.configuration import districts
from rostersync.configuration.district import Retention
from rostersync.exceptions import RosterSyncError, TransientError
from rostersync.ledger import Proof
from rostersync.model import DateChanges
from rostersync.operations import date_changes, retention, reviewing
from rostersync.operations.monitoring import watch
from rostersync.operations.operator_digest import mail_digest
from rostersync.operations.retention import Stores
from rostersync.pipeline.context import Services
from rostersync.pipeline.notifications import OPERATORS
from rostersync.pipeline.sending import send_due

Done = TypeVar("Done")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """district → kind → proof, without those under a legal hold; whose data nobody may sweep; lists of old runs."""

    proofs: Mapping[str, Mapping[str, Proof]]
    legal_holds: tuple[str, ...]
    left_alone: tuple[str, ...]
    runs: int = 0


def apply_all_date_changes(services: Services, *, again: bool = False) -> Mapping[str, DateChanges]:
    """Start and end what the dates say, in each district whose day was not gone through yet (`again`: in all).

    What that came to, by district. Raises the failure of a district, naming all that failed.
    """
    known, _ = districts.load_readable()
    due = date_changes.days_due(services, known, again=again)
    return _each(due, lambda code: date_changes.apply_district_date_changes(services, known[code]))


def discard_overdue(services: Services) -> Mapping[str, bool]:
    """Discard the held deliveries whose time is up, with a mail; delivery → whether nobody was faster."""
    known, _ = districts.load_readable()
    due = {waiting.delivery: waiting.attempt for waiting in reviewing.overdue(services) if waiting.district in known}
    return _each(due, lambda id_: reviewing.expire(services, id_, attempt=due[id_]).decided)


def sweep_districts(stores: Stores) -> Swept:
    """Sweep what is over in every district that the ledger knows, and the operators' own mails. Raises like the others.

    Without its configuration nobody knows what a district's terms are: nothing of it goes.
    """
    known, _ = districts.load_readable()
    with stores.open(OPERATORS) as conn:
        there = set(ledger.known_districts(conn))
    terms = {code: district.retention for code, district in known.items() if code in there}
    proofs = _each(terms, lambda code: retention.sweep(stores, code, terms[code]))
    ours = retention.sweep(stores, OPERATORS, Retention(), landed=False)
    return Swept(
        proofs={code: proof for code, proof in {**proofs, OPERATORS: ours}.items() if proof},
        legal_holds=tuple(code for code, item in terms.items() if item.legal_hold),
        left_alone=tuple(sorted(there - known.keys())),
        runs=0 if stores.dry_run else retention.sweep_old_runs(stores, Retention()),
    )


def relay_everywhere(services: Services) -> dict[str, int]:
    """Hand over every mail that is due; messages by what became of them."""
    return dict(send_due(services))


def dates(services: Services) -> dict[str, int]:
    """Start and end dated assignments where a new day has begun; sums of all districts."""
    done = apply_all_date_changes(services).values()
    return {
        "districts": len(done),
        "started": sum(district_result.started for district_result in done),
        "ended": sum(district_result.ended for district_result in done),
        "deactivated": sum(district_result.deactivated for district_result in done),
    }


def expire_everywhere(services: Services) -> dict[str, int]:
    """Discard held deliveries whose time is up; how many."""
    return {"discarded": sum(discard_overdue(services).values())}


def sweep_everywhere(stores: Stores) -> dict[str, int]:
    """Delete what is older than its term; sums by kind. The proof goes to the log, and is in the ledger."""
    swept = sweep_districts(stores)
    for line in proof_lines(swept, dry_run=stores.dry_run):
        _log.info("%s", line)
    sums: Counter[str] = Counter()
    for proof in swept.proofs.values():
        sums.update({kind: item.swept for kind, item in proof.items()})
    return dict(sums)


def watch_and_mail(services: Services) -> dict[str, int]:
    """Tell the operators what needs a look; alerts by code."""
    alerts = watch(services)
    for alert in alerts:
        _log.warning("[%s] %s", alert.code, alert.message)
    mail_digest(services, alerts)
    return dict(Counter(alert.code for alert in alerts))


MAINTENANCE_TASKS: Mapping[str, Callable[[Services], dict[str, int]]] = {
    "relay": relay_everywhere,
    "dates": dates,
    "expire": expire_everywhere,
    "watch": watch_and_mail,
}
"""Those that need nothing but the edges, by the names that a schedule calls them by."""


def proof_lines(swept: Swept, *, dry_run: bool) -> Iterator[str]:
    """The proof for a person, district by district."""
    verb = "would go" if dry_run else "swept"
    for code, proof in swept.proofs.items():
        yield "the operators' own mails" if code == OPERATORS else code
        yield from (f"  {kind.replace('_', ' '):<11}{_line(item, verb)}" for kind, item in proof.items())
    for code in swept.legal_holds:
        yield f"{code}\n  legal hold: nothing is swept"
    for code in swept.left_alone:
        yield f"{code}\n  its configuration is gone or wrong: nothing is swept"
    total = sum(kind_proof.swept for proof in swept.proofs.values() for kind_proof in proof.values())
    staying = sum(kind_proof.staying for proof in swept.proofs.values() for kind_proof in proof.values())
    yield f"{total:,} {verb}; past their term and still there: {staying:,}"


def _line(proof: Proof, verb: str) -> str:
    oldest = f"oldest {proof.oldest.date().isoformat()}" if proof.oldest else "none left"
    staying = f"; {proof.staying:,} of them older, because not decided or still in use" if proof.staying else ""
    return f"{proof.swept:>9,} {verb}, {proof.left:>9,} left, {oldest} (term began {proof.before.date()}){staying}"


def _each(names: Iterable[str], work: Callable[[str], Done]) -> dict[str, Done]:
    """The work for each, in order; what failed is raised at the end, as transient when trying again may help."""
    done: dict[str, Done] = {}
    failed: dict[str, RosterSyncError] = {}
    for name in sorted(names):
        try:
            done[name] = work(name)
        except RosterSyncError as error:
            failed[name] = error
    if failed:
        # Trying again is worth it as soon as it may help one of them.
        worst = next((e for e in failed.values() if isinstance(e, TransientError)), next(iter(failed.values())))
        told = "; ".join(f"{name}: {error.message} [{error.code}]" for name, error in failed.items())
        raise type(worst)(f"{len(failed)} of {len(failed) + len(done)} failed: {told}", hint=worst.hint)
    return done

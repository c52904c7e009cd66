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
from rostersync.model import Dated
from rostersync.operations import date_changes, retention, reviewing
from rostersync.operations.monitoring import watch
from rostersync.operations.operator_digest import mail_digest
from rostersync.operations.retention import Stores
from rostersync.pipeline.context import Edges
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


def pass_days(edges: Edges, *, again: bool = False) -> Mapping[str, Dated]:
    """Start and end what the dates say, in each district whose day was not gone through yet (`again`: in all).

    What that came to, by district. Raises the failure of a district, naming all that failed.
    """
    known, _ = districts.load_readable()
    due = date_changes.days_due(edges, known, again=again)
    return _each(due, lambda code: date_changes.pass_days(edges, known[code]))


def discard_overdue(edges: Edges) -> Mapping[str, bool]:
    """Discard the held deliveries whose time is up, with a mail; delivery → whether nobody was faster."""
    known, _ = districts.load_readable()
    due = {each.delivery: each.attempt for each in reviewing.overdue(edges) if each.district in known}
    return _each(due, lambda id_: reviewing.expire(edges, id_, attempt=due[id_]).decided)


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
        legal_holds=tuple(code for code, each in terms.items() if each.legal_hold),
        left_alone=tuple(sorted(there - known.keys())),
        runs=0 if stores.dry_run else retention.sweep_runs(stores, Retention()),
    )


def relay(edges: Edges) -> dict[str, int]:
    """Hand over every mail that is due; messages by what became of them."""
    return dict(send_due(edges))


def dates(edges: Edges) -> dict[str, int]:
    """Start and end dated assignments where a new day has begun; sums of all districts."""
    done = pass_days(edges).values()
    return {
        "districts": len(done),
        "started": sum(each.started for each in done),
        "ended": sum(each.ended for each in done),
        "deactivated": sum(each.deactivated for each in done),
    }


def expire(edges: Edges) -> dict[str, int]:
    """Discard held deliveries whose time is up; how many."""
    return {"discarded": sum(discard_overdue(edges).values())}


def sweep(stores: Stores) -> dict[str, int]:
    """Delete what is older than its term; sums by kind. The proof goes to the log, and is in the ledger."""
    swept = sweep_districts(stores)
    for line in proof_lines(swept, dry_run=stores.dry_run):
        _log.info("%s", line)
    sums: Counter[str] = Counter()
    for proof in swept.proofs.values():
        sums.update({kind: each.swept for kind, each in proof.items()})
    return dict(sums)


def watch_and_mail(edges: Edges) -> dict[str, int]:
    """Tell the operators what needs a look; alerts by code."""
    alerts = watch(edges)
    for each in alerts:
        _log.warning("[%s] %s", each.code, each.message)
    mail_digest(edges, alerts)
    return dict(Counter(each.code for each in alerts))


MAINTENANCE_TASKS: Mapping[str, Callable[[Edges], dict[str, int]]] = {
    "relay": relay,
    "dates": dates,
    "expire": expire,
    "watch": watch_and_mail,
}
"""Those that need nothing but the edges, by the names that a schedule calls them by."""


def proof_lines(swept: Swept, *, dry_run: bool) -> Iterator[str]:
    """The proof for a person, district by district."""
    verb = "would go" if dry_run else "swept"
    for code, proof in swept.proofs.items():
        yield "the operators' own mails" if code == OPERATORS else code
        yield from (f"  {kind.replace('_', ' '):<11}{_line(each, verb)}" for kind, each in proof.items())
    for code in swept.legal_holds:
        yield f"{code}\n  legal hold: nothing is swept"
    for code in swept.left_alone:
        yield f"{code}\n  its configuration is gone or wrong: nothing is swept"
    total = sum(each.swept for proof in swept.proofs.values() for each in proof.values())
    staying = sum(each.staying for proof in swept.proofs.values() for each in proof.values())
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

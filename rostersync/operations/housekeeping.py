"""What is due in every district, whether a file came or not: dates, the end of waiting, retention.

One district's trouble keeps no other from its turn; it is raised when all had theirs, as one that is worth another try
if any is. A district whose file in `include/districts` is gone or wrong is left alone: the watcher tells of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from rostersync import ledger
from rostersync.configuration import districts
from rostersync.configuration.district import Retention
from rostersync.exceptions import RosterSyncError, TransientError
from rostersync.ledger import Proof
from rostersync.model import Dated
from rostersync.operations import date_changes, retention, reviewing
from rostersync.operations.retention import Stores
from rostersync.pipeline.context import Edges
from rostersync.pipeline.notifications import OPERATORS

Done = TypeVar("Done")


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


def expire(edges: Edges) -> Mapping[str, bool]:
    """Discard the held deliveries whose time is up, with a mail; delivery → whether nobody was faster."""
    due = {each.delivery: each.attempt for each in reviewing.overdue(edges)}
    return _each(due, lambda id_: reviewing.expire(edges, id_, attempt=due[id_]).decided)


def sweep(stores: Stores) -> Swept:
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

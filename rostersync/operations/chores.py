"""The chores of housekeeping by name, as a schedule calls them: numbers come back, the proof goes to the log."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from rostersync.ledger import Proof
from rostersync.operations import housekeeping
from rostersync.operations.housekeeping import Swept
from rostersync.operations.monitoring import watch
from rostersync.operations.operator_digest import mail_digest
from rostersync.operations.retention import Stores
from rostersync.pipeline.context import Edges
from rostersync.pipeline.notifications import OPERATORS
from rostersync.pipeline.sending import send_due

_log = logging.getLogger(__name__)


def relay(edges: Edges) -> dict[str, int]:
    """Hand over every mail that is due; messages by what became of them."""
    return dict(send_due(edges))


def dates(edges: Edges) -> dict[str, int]:
    """Start and end dated assignments where a new day has begun; sums of all districts."""
    done = housekeeping.pass_days(edges).values()
    return {
        "districts": len(done),
        "started": sum(each.started for each in done),
        "ended": sum(each.ended for each in done),
        "deactivated": sum(each.deactivated for each in done),
    }


def expire(edges: Edges) -> dict[str, int]:
    """Discard held deliveries whose time is up; how many."""
    return {"discarded": sum(housekeeping.expire(edges).values())}


def sweep(stores: Stores) -> dict[str, int]:
    """Delete what is older than its term; sums by kind. The proof goes to the log, and is in the ledger."""
    swept = housekeeping.sweep(stores)
    for line in told(swept, dry_run=stores.dry_run):
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


CHORES: Mapping[str, Callable[[Edges], dict[str, int]]] = {
    "relay": relay,
    "dates": dates,
    "expire": expire,
    "watch": watch_and_mail,
}
"""Those that need nothing but the edges."""


def told(swept: Swept, *, dry_run: bool) -> Iterator[str]:
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

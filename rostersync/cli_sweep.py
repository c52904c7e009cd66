"""`rostersync sweep`: what is older than its term goes, with a line of proof for each district and kind."""

from __future__ import annotations

from collections.abc import Iterator

from rostersync import cli, database, settings
from rostersync.cli_edges import roster
from rostersync.landing import LandingStore
from rostersync.ledger import Proof
from rostersync.pipeline import housekeeping, now
from rostersync.pipeline.housekeeping import Swept
from rostersync.pipeline.messages import OPERATORS
from rostersync.pipeline.sweeping import Stores


def run(dry_run: bool) -> int:
    """Sweep every district and print the proof; with `dry_run` print what would go."""
    wishes = settings.from_environment()
    with roster() as notes:
        engine = database.sweep_engine(wishes)
        try:
            landing = LandingStore(wishes.landing_url)
            stores = Stores(
                engine=engine, notes=notes, landing=landing, outbox=wishes.outbox, clock=now, dry_run=dry_run
            )
            swept = housekeeping.sweep(stores)
        finally:
            engine.dispose()
    print("\n".join(lines(swept, dry_run=dry_run)))
    return cli.FINE


def lines(swept: Swept, *, dry_run: bool) -> Iterator[str]:
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

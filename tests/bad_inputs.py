"""The numbered bad inputs (B01-B100) that need no roster: what is delivered, and the verdict.

Those about transport, the roster or a person's decision are in `bad_nights`. Verdicts follow the dictionary; where
the list of bad inputs asks for something else, `differs` says what and why.
"""

from __future__ import annotations

from tests import bad_bytes, bad_cells, bad_tables
from tests.bad_files import Bad

CASES: tuple[Bad, ...] = (*bad_bytes.CASES, *bad_tables.CASES, *bad_cells.CASES)

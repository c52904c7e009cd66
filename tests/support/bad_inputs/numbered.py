"""The numbered bad inputs (B01-B100) that need no roster: what is delivered, and the verdict.

Those about transport, the roster or a person's decision are in `bad_nights`. Verdicts follow the dictionary; where
the list of bad inputs asks for something else, `differs` says what and why.
"""

from __future__ import annotations

from tests.support.bad_inputs import bytes as bad_bytes
from tests.support.bad_inputs import cells as bad_cells
from tests.support.bad_inputs import tables as bad_tables
from tests.support.bad_inputs.files import Bad

CASES: tuple[Bad, ...] = (*bad_bytes.CASES, *bad_tables.CASES, *bad_cells.CASES)

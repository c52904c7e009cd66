"""Regular lines through pyarrow's parser, which never sees a line that it could read otherwise than `record` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from rostersync.reading.encoding import BOM
from rostersync.reading.line_scan import MAX_LINE
from rostersync.reading.row_layout import BLANKS, RowLayout

if TYPE_CHECKING:
    from numpy.typing import NDArray


def gathered(
    text: bytes, starts: NDArray[np.int64], kept: NDArray[np.bool_]
) -> tuple[bytes | NDArray[np.uint8], NDArray[np.int64]]:
    """The kept lines' bytes and their places in the chunk."""
    if kept.all():
        return text, np.arange(len(kept), dtype=np.int64)
    chosen = np.repeat(kept, np.diff(starts))
    return np.frombuffer(text, dtype=np.uint8)[chosen], np.flatnonzero(kept)


def parse_lines(text: bytes | NDArray[np.uint8], width: int, wanted: Sequence[int]) -> dict[int, pa.Array]:
    """Regular lines → position → cells exactly as typed. Nothing is inferred, nothing is missing."""
    if len(text) == 0:
        return {position: pa.array([], pa.string()) for position in wanted}
    if bytes(text[:3]) == BOM:
        text = BOM + bytes(text)  # the parser takes one mark off what it believes to be a whole file
    names = [str(position) for position in range(width)]
    table = csv.read_csv(
        pa.BufferReader(pa.py_buffer(text)),
        read_options=csv.ReadOptions(column_names=names, block_size=2 * MAX_LINE, use_threads=len(text) > MAX_LINE),
        parse_options=csv.ParseOptions(newlines_in_values=False, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=[str(position) for position in wanted],
            null_values=[],
            strings_can_be_null=False,
        ),
    )
    return {position: _joined(table.column(str(position))) for position in wanted}


def _joined(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks)


def whole_blank(columns: Mapping[int, pa.Array], layout: RowLayout) -> NDArray[np.bool_]:
    """Rows without anything in a wanted column. Required columns come first: one of them settles nearly all rows."""
    blank: NDArray[np.bool_] | None = None
    for position in layout.wanted:
        empty = _array(pc.equal(pc.binary_length(pc.utf8_trim(columns[position], BLANKS)), 0))
        blank = empty if blank is None else blank & empty
        if not blank.any():
            break
    return blank if blank is not None else np.zeros(0, dtype=np.bool_)


def places_of_headers(columns: Mapping[int, pa.Array], layout: RowLayout) -> list[int]:
    """Rows that have the name of a column where the cell of a required one should be."""
    names = pa.array(sorted(layout.names))
    places: set[int] = set()
    for position in layout.probes:
        cells = pc.ascii_lower(pc.ascii_trim(columns[position], " \t"))
        places.update(np.flatnonzero(_array(pc.is_in(cells, names))).tolist())
    return sorted(places)


def _array(mask: pa.Array) -> NDArray[np.bool_]:
    answer: NDArray[np.bool_] = mask.to_numpy(zero_copy_only=False)
    return answer

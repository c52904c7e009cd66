"""How rows are laid over the header: which cells are wanted, which may be missing, which lines are headers again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from rostersync.configuration.dictionary import Dictionary
from rostersync.reading.first_lines import FEWEST_KNOWN, bare
from rostersync.reading.header import HeaderNames, cleaned
from rostersync.reading.record import Record
from rostersync.text_columns import SPACES

BLANKS: Final = "\t" + SPACES
"""A cell of only these is blank: the row may be skipped, the column tolerated."""

_PROBES: Final = 4


@dataclass(frozen=True, kw_only=True)
class RowLayout:
    """`typed`: the header's cells. `wanted`: positions whose cells are read, those of required columns first."""

    typed: tuple[str, ...]
    wanted: tuple[int, ...]
    columns: Mapping[int, str]
    dictionary: Dictionary

    @property
    def width(self) -> int:
        return len(self.typed)

    @cached_property
    def least(self) -> int:
        """Cells a row must have: Excel leaves the commas of empty columns at the end out now and then."""
        return max((place + 1 for place, name in enumerate(self.typed) if cleaned(name)), default=1)

    @cached_property
    def names(self) -> frozenset[str]:
        """Headers of the dictionary, case folded."""
        return frozenset(header.casefold() for header in self.dictionary.headers)

    @cached_property
    def probes(self) -> tuple[int, ...]:
        """Positions of a few required columns: whatever the columns of a second header are, one has a name there."""
        return tuple(position for position in self.wanted if position in self.columns)[:_PROBES]

    def _is_name(self, cell: str) -> bool:
        return cell.isascii() and cell.strip(" \t").lower() in self.names

    @cached_property
    def _own(self) -> tuple[tuple[int, str], ...]:
        return tuple((position, header.casefold()) for position, header in self.columns.items())

    @cached_property
    def _positions(self) -> Mapping[str, int]:
        return {header: position for position, header in self.columns.items()}

    def is_header(self, cells: Sequence[str]) -> bool:
        """Whether a row is a header again: at least three of its cells, and half of them, are names of columns.

        A row of the right length must have a name in one of the `probes`, too: the bulk path looks only there.
        """
        if len(cells) == self.width and not any(self._is_name(cells[position]) for position in self.probes):
            return False
        known = sum(bare(cell) in self.names for cell in cells)
        return known >= FEWEST_KNOWN and known * 2 >= sum(bool(cell.strip()) for cell in cells)

    def is_same_header(self, cells: Sequence[str]) -> bool:
        """Whether that header has the same columns in the same places, so that the rows below it can be read."""
        if len(cells) < self.least or any(cell.strip() for cell in cells[self.width :]):
            return False
        return all(bare(cells[position]) == header for position, header in self._own)

    def may_end_here(self, cells: Sequence[str]) -> bool:
        """Whether a row that ends early lacks only cells that may be blank in it: programs leave such commas out.

        Of a removal made by hand only the keys are needed: its other cells are never looked at.
        """
        if self.is_removal(cells):
            action = self.dictionary.actions[cells[self._positions["action"]]]
            keys = [self._positions.get(key, len(cells)) for key in action.keys]
            return all(key < len(cells) and cells[key].strip() for key in keys)
        missing = {header for position, header in self.columns.items() if position >= len(cells)}
        return not missing & (self._always_needed | (self._class_needs if self._names_class(cells) else frozenset()))

    def is_shifted(self, cells: Sequence[str]) -> bool:
        """Whether a row with blank cells too many has a comma too many further left: `Tate, Jr.` without quotes.

        It shows where a cell is not of its column's kind, but one further right is.
        """
        too_many = len(cells) - self.width
        return any(
            cells[place].strip(BLANKS)
            and not self._is_of_kind(header, cells[place])
            and any(self._is_of_kind(header, cell) for cell in cells[place + 1 : place + 1 + too_many])
            for header, place in self._positions.items()
        )

    def _is_of_kind(self, header: str, cell: str) -> bool:
        column = self.dictionary.by_header[header]
        if column.kind == "email":
            return "@" in cell
        return cell.strip(BLANKS) in (*column.accepted, *column.aliases)

    def is_removal(self, cells: Sequence[str]) -> bool:
        """The row's action, as it is typed, is one of the dictionary's."""
        place = self._positions.get("action", len(cells))
        return place < len(cells) and cells[place] in self.dictionary.actions

    @cached_property
    def _always_needed(self) -> frozenset[str]:
        return frozenset(column.header for column in self.dictionary.columns if column.need == "required")

    @cached_property
    def _class_needs(self) -> frozenset[str]:
        return frozenset(self.dictionary.class_group.needs)

    def _names_class(self, cells: Sequence[str]) -> bool:
        group = self.dictionary.class_group
        cell = {header: cells[place].strip(BLANKS) for header, place in self._positions.items() if place < len(cells)}
        return any(cell.get(h) for h in group.opens) or any(cell.get(h) == v for h, v in group.opens_when.items())


def arrange_columns(typed: tuple[str, ...], names: HeaderNames, dictionary: Dictionary, *, refused: bool) -> RowLayout:
    """The layout of a good header; of a refused one only the cells below blank headers are wanted."""
    known = {} if refused else names.columns
    columns = {position: header for position, header in known.items() if dictionary.by_header[header].read}
    ordered = sorted(columns, key=lambda position: dictionary.by_header[columns[position]].need != "required")
    return RowLayout(typed=typed, wanted=(*ordered, *names.blank), columns=columns, dictionary=dictionary)


def is_whole(cells: Sequence[str], record: Record, layout: RowLayout) -> bool:
    """The row has a cell for each column, or what it lacks or has too much is blank."""
    if layout.least <= len(cells) + record.more <= layout.width:
        return True
    if not layout.columns:
        return False
    if len(cells) > layout.width:
        blank_behind = record.blank and not any(cell.strip(BLANKS) for cell in cells[layout.width :])
        return blank_behind and not layout.is_shifted(cells)
    return record.terminated and layout.may_end_here(cells)

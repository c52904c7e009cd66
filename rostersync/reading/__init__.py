"""The strict reader: landed bytes → text cells with physical line numbers, or findings that refuse the file.

Receives bytes and the dictionary; gives a `model.Reading`; raises nothing, whatever the bytes are. In the order of
the checks: `content` (what the bytes are), `opening` (delimiter, header line, foreign formats), `header` (the names),
`record` (one row by the letter of RFC 4180), `shape` (which lines need no such care), `body` (all rows).
"""

from __future__ import annotations

from rostersync.reading.reader import read

__all__ = ["read"]

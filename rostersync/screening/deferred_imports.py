"""Packages that a library imports at its start and does not use for what we ask: loaded when it touches them.

Great Expectations needs scipy and altair for two kinds of expectation that no suite of ours has; a third of its import
was theirs.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class _Deferred(ModuleType):
    """Stands for a module: the first attribute that is asked for loads the real one, which answers then and always."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Inside, importing one of these modules gives a stand-in. Whoever imports it later gets the module itself.

    A module that is loaded already stays what it is.
    """
    stand_ins = {name: _Deferred(name) for name in names if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, stand_in in stand_ins.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]

"""The data dictionary as typed values. Nothing else in the program knows a column of users.csv."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from rostersync.exceptions import ConfigurationError
from rostersync.settings import include_path

Need = Literal["required", "header", "conditional", "optional"]
Kind = Literal["id", "text", "choice", "email", "date", "moment", "blank"]
Entity = Literal["row", "school", "person", "placement", "class", "enrollment", "assignment"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))


class Column(_Value):
    """One column of users.csv, or of a file of a source package.

    `max_length` counts code points; `characters` are those an ID may have beside ASCII letters and digits.
    `reference`: the file of the package whose records the cell names, several when `many`. `read`: False for a column
    that is known, but never read.
    """

    header: str
    need: Need
    kind: Kind
    entity: Entity = "row"
    attribute: str | None = None
    key: bool = False
    personal: bool = False
    name: bool = False
    characters: str = ""
    max_length: int | None = None
    accepted: tuple[str, ...] = ()
    meanings: Mapping[str, str] = Field(default_factory=dict)
    aliases: Mapping[str, str] = Field(default_factory=dict)
    forbidden: Mapping[str, str] = Field(default_factory=dict)
    wins: str | None = None
    on_blank: Literal["keep", "clear"] = "keep"
    reference: str | None = None
    many: bool = False
    read: bool = True
    description: str = ""
    example: str = ""

    @property
    def header_required(self) -> bool:
        return self.need != "optional"

    @property
    def choices(self) -> str:
        """The accepted values in a sentence, each with what it does where that is said."""
        words = [f"{word} ({self.meanings[word]})" if word in self.meanings else word for word in self.accepted]
        blank = f", or leave the cell blank ({self.meanings['']})" if "" in self.meanings else ""
        return ", ".join(words) + blank


class Action(_Value):
    """A word of the action column: the keys it needs and the entity it removes."""

    keys: tuple[str, ...]
    entity: Literal["class", "enrollment", "placement"]


class ClassGroup(_Value):
    """When a row names a class, and what it must then say."""

    opens: tuple[str, ...] = ()
    opens_when: Mapping[str, str] = Field(default_factory=dict)
    needs: tuple[str, ...] = ()


class Dictionary(_Value):
    """All columns of one version, in the order of the template.

    `extra_columns`: whether a column that is not here refuses the file. `header_only`: what a file without rows does.
    """

    name: str
    version: str
    extra_columns: Literal["refuse", "ignore"] = "refuse"
    header_only: Literal["remark", "hold", "refuse"] = "remark"
    actions: Mapping[str, Action] = Field(default_factory=dict)
    class_group: ClassGroup = ClassGroup()
    report_columns: tuple[str, ...] = ()
    columns: tuple[Column, ...]

    @cached_property
    def by_header(self) -> Mapping[str, Column]:
        return {c.header: c for c in self.columns}

    @cached_property
    def headers(self) -> tuple[str, ...]:
        return tuple(c.header for c in self.columns)

    def of(self, *entities: Entity) -> tuple[Column, ...]:
        """Stored, non-key columns of these entities."""
        return tuple(c for c in self.columns if c.entity in entities and c.attribute and not c.key)

    def keys_of(self, entity: str) -> tuple[str, ...]:
        """Headers that make up the key of an entity inside a district."""
        return _KEYS[entity]


_KEYS: Mapping[str, tuple[str, ...]] = {
    "school": ("schoolId",),
    "person": ("userId",),
    "placement": ("userId", "schoolId"),
    "class": ("classId",),
    "enrollment": ("userId", "classId"),
}


@cache
def load_dictionary(version: str | None = None) -> Dictionary:
    """The dictionary of this version, or the current one. Raises ConfigurationError for a version that is not there."""
    current = _parse("users.yaml")
    if version in (None, current.version):
        return current
    path = include_path("dictionary", f"users-{version}.yaml")
    if not path.exists():
        raise ConfigurationError(
            f"There is no dictionary version {version}.",
            hint=f"Pin version {current.version}, or add {path.name} under include/dictionary.",
        )
    return _parse(path.name)


def _parse(*place: str) -> Dictionary:
    return Dictionary.model_validate(_raw(*place))


def _raw(*place: str) -> Any:
    return yaml.load(include_path("dictionary", *place).read_bytes(), Loader=yaml.CSafeLoader)


class PackageFormat(_Value):
    """What a source package of one format and version may hold.

    `catalog`: every file that its manifest speaks of. `tables`: those that are read. `based`: those whose delta needs
    an earlier bulk.
    """

    version: str
    catalog: tuple[str, ...]
    tables: tuple[str, ...]
    based: tuple[str, ...]


@cache
def load_package_format(folder: str) -> tuple[PackageFormat, Mapping[str, Dictionary]]:
    """The format with the dictionary of each of its tables, by the name of its folder, such as `oneroster-1.2`."""
    package = PackageFormat.model_validate(_raw(folder, "package.yaml"))
    return package, {table: _parse(folder, f"{table}.yaml") for table in package.tables}

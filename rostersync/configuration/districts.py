"""The districts: `include/districts/<code>.yaml`, one file each, checked. No secrets are in there.

Relative directories of `source: {file: …}` are below the folder `inbox` of the private state folder
(`ROSTERSYNC_STATE`, else `.rostersync`); absolute ones are taken as they are. SFTP directories are the server's.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from rostersync.configuration.dictionary import load_dictionary
from rostersync.configuration.district import (
    Blackout,
    Contact,
    District,
    Holds,
    Limits,
    Policies,
    ReportKind,
    Retention,
    Source,
    Threshold,
)
from rostersync.configuration.inboxes import Account, connection_id, overlapping_inboxes
from rostersync.configuration.waves import Wave, codes_of_wave, district_files, mapping, waves
from rostersync.exceptions import ConfigurationError
from rostersync.settings import include_path

__all__ = [
    "Blackout",
    "Contact",
    "District",
    "Holds",
    "Limits",
    "Policies",
    "ReportKind",
    "Retention",
    "Source",
    "Threshold",
    "Wave",
    "check_inbox_is_not_shared",
    "codes_of_wave",
    "configuration_digest",
    "districts_with_shared_inboxes",
    "load_district",
    "load_districts",
    "load_readable",
    "problems",
    "waves",
]


def load_district(code: str) -> District:
    """The district of this code. Raises ConfigurationError that names the file, the field and what is wrong."""
    path = include_path("districts", f"{code}.yaml")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", code) or not path.is_file():
        raise ConfigurationError(f"There is no district {code}: include/districts has no such file.")
    return _parse(path)


def load_districts() -> Mapping[str, District]:
    """All districts by code, sorted, disabled ones too. Raises ConfigurationError with everything that is wrong."""
    wrong = problems()
    if wrong:
        raise ConfigurationError(" ".join(wrong))
    return {path.stem: _parse(path) for path in district_files()}


def load_readable() -> tuple[dict[str, District], dict[str, ConfigurationError]]:
    """Districts by code, as far as their files are right, disabled ones too; and what is wrong with the others."""
    right: dict[str, District] = {}
    wrong: dict[str, ConfigurationError] = {}
    for path in district_files():
        try:
            right[path.stem] = _parse(path)
        except ConfigurationError as error:
            wrong[path.stem] = error
    return right, wrong


def problems(account: Account = connection_id) -> list[str]:
    """Everything that is wrong in the districts' files, one sentence each; `account`: see overlapping_inboxes."""
    right, wrong = load_readable()
    sentences = {code: error.message for code, error in wrong.items()}
    shared = overlapping_inboxes({code: district.source for code, district in right.items()}, account)
    for code, others in shared.items():
        if earlier := [other for other in others if other < code]:
            sentences[code] = f"{code}.yaml: {_shared_with(earlier)}."
    return [sentences[code] for code in sorted(sentences)]


def districts_with_shared_inboxes(account: Account = connection_id) -> dict[str, list[str]]:
    """Code of each enabled district whose inbox overlaps that of other enabled ones → their codes."""
    return overlapping_inboxes(dict(_enabled_sources()), account)


def check_inbox_is_not_shared(code: str, account: Account = connection_id) -> None:
    """Raises ConfigurationError that names the enabled districts whose inbox overlaps this one's."""
    others = districts_with_shared_inboxes(account).get(code)
    if others:
        hint = "Give each district an inbox of its own in include/districts, then run this again."
        raise ConfigurationError(f"{code}.yaml: {_shared_with(others)}.", hint=hint)


def _shared_with(others: Sequence[str]) -> str:
    return f"source: the same inbox as district{'s' if len(others) > 1 else ''} {', '.join(others)}"


def _enabled_sources() -> Iterator[tuple[str, Source]]:
    """The sources alone: thousands of files are read in a second or two."""
    for path in district_files():
        raw = mapping(path)
        if raw.get("enabled", True) is not False:
            with contextlib.suppress(ValidationError):  # its own task says what is wrong with it
                yield path.stem, Source.model_validate(raw.get("source"))


def _parse(path: Path) -> District:
    try:
        raw = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        raise ConfigurationError(f"{path.name}: is not YAML" + (f" (line {line})." if line else ".")) from None
    if not isinstance(raw, dict):
        raise ConfigurationError(f"{path.name}: needs fields with values.")
    district = _validated(path, raw)
    if district.code != path.stem:
        raise ConfigurationError(f"{path.name}: code: must be the file's name, {path.stem}.")
    return district


def _validated(path: Path, raw: Mapping[str, Any]) -> District:
    names = [wave.name for wave in waves()]
    try:
        district = District.model_validate({"wave": names[0], **raw})
    except ValidationError as error:
        raise ConfigurationError(f"{path.name}: {'; '.join(_sentences(error))}.") from None
    if district.wave not in names:
        raise ConfigurationError(f"{path.name}: wave: must be one of {', '.join(names)}.")
    return district


def _sentences(error: ValidationError) -> list[str]:
    """field: what is wrong - never the value, it may be an address."""
    found = []
    for fault in error.errors(include_input=False, include_url=False):
        where = ".".join(str(part) for part in fault["loc"])
        what = fault["msg"].removeprefix("Value error, ")
        found.append(f"{where}: {what}" if where else what)
    return found


JUDGING = {"timezone", "email_domains", "holds"}


def configuration_digest(district: District) -> str:
    """Stable hash of what matters to judging a file; another digest means: judge known bytes again."""
    facts = district.model_dump(mode="json", include=JUDGING)
    facts["dictionary_version"] = load_dictionary(district.dictionary_version).version
    facts["policies"] = district.policies.model_dump(mode="json", exclude={"after_read"})
    facts["limits"] = district.limits.model_dump(mode="json", exclude={"quiet_days"})
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

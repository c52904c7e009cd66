"""What the watcher can tell: a stable code, whom or what it is about, and what to do.

The catalogue is data (`include/dictionary/alerts.yaml`); sentences are made here, only when shown. No personal data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from rostersync import runbook
from rostersync.settings import include_path


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertText:
    """One code of the catalogue."""

    message: str
    resolution: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that needs a person. `subject`: the delivery, wave or pool. `detail` fills the catalogue's texts."""

    code: str
    district: str | None = None
    subject: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def about(self) -> tuple[str, str, str]:
        """What makes it the same alert tomorrow, whatever its numbers are by then."""
        return (self.code, self.district or "", self.subject or "")

    @property
    def message(self) -> str:
        return self._filled(alert_texts()[self.code].message)

    @property
    def resolution(self) -> str:
        return self._filled(alert_texts()[self.code].resolution)

    @property
    def page(self) -> str:
        """The runbook's page about this code."""
        return runbook.page(self.code)

    def to_json(self) -> dict[str, Any]:
        """The object that `rostersync watch --format json` prints."""
        about = {"code": self.code, "district": self.district, "subject": self.subject}
        return about | {"message": self.message, "resolution": self.resolution, "page": self.page}

    def _filled(self, template: str) -> str:
        return template.format(district=self.district, subject=self.subject, **self.detail)


@cache
def alert_texts() -> Mapping[str, AlertText]:
    """code → texts, in the order of the file."""
    raw = yaml.load(include_path("dictionary", "alerts.yaml").read_bytes(), Loader=yaml.CSafeLoader)
    return {code: AlertText(**spec) for code, spec in raw.items()}


def make_alert(code: str, district: str | None = None, subject: str | None = None, **detail: Any) -> Alert:
    """An alert of a catalogued code. Raises KeyError for another one: that is a bug."""
    if code not in alert_texts():
        raise KeyError(code)
    return Alert(code=code, district=district, subject=subject, detail=detail)


def fingerprint(alerts: Iterable[Alert]) -> str:
    """The same for the same set of alerts, whatever their numbers and order."""
    told = "\n".join("\x1f".join(alert.about) for alert in sorted(alerts, key=lambda alert: alert.about))
    return hashlib.sha256(told.encode()).hexdigest()[:12]

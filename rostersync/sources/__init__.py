"""Packages of the enrollment source: a zip or a folder → tables of text cells, and a verdict on them.

Nothing here knows the roster: what only the roster can tell is handed on as a pending check.
"""

from __future__ import annotations

from rostersync.sources.package_check import CheckedPackage, check_package

__all__ = ["CheckedPackage", "check_package"]

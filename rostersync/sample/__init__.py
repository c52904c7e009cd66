"""Invented nights: districts, their roster of record and their users.csv, from a seed. Nobody in them exists."""

from __future__ import annotations

from rostersync.sample.big import BigFile, big_file
from rostersync.sample.night import Night, SampleOptions, Sent, write_demo, write_night

__all__ = ["BigFile", "Night", "SampleOptions", "Sent", "big_file", "write_demo", "write_night"]

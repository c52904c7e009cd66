"""The schools of a district, by name: for the sentences and lists of reports."""

from __future__ import annotations

from sqlalchemy import Connection, select

from rostersync.database.tables import school
from rostersync.model import RecordStatus, RosterSchool


def schools_of(conn: Connection, district: str) -> tuple[RosterSchool, ...]:
    """All schools of the district, inactive ones too, sorted by name."""
    schools = school.c
    rows = conn.execute(select(schools.school_id, schools.name, schools.status).where(schools.district == district))
    found = (
        RosterSchool(school_id=row.school_id, name=row.name, active=row.status == RecordStatus.ACTIVE) for row in rows
    )
    return tuple(sorted(found, key=lambda one: one.place))

"""A roster of which PostgreSQL has no statistics: just restored, just loaded, autovacuum not come by."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Connection, Engine, insert, select, text
from sqlalchemy.dialects import postgresql

from rostersync import database
from rostersync.configuration import dictionary
from rostersync.database import tables
from rostersync.planning import PlanContext
from rostersync.planning.rules import single_rows
from rostersync.planning.workspace import Workspace, open_workspace
from tests.support.district_nights import Nights, teaching
from tests.support.logins import acting_as

CLASSES = 2_000
ROWS = 4_000
ROSTER = ("school", "person", "placement", "class", "enrollment")


def load_classes(conn: Connection, district: str = "springfield", count: int = CLASSES) -> None:
    """Classes of the enrollment source, at ten schools."""
    conn.execute(insert(tables.district).values(code=district, name=district))
    schools = [{"district": district, "school_id": f"S{n}", "name": "School", "owner": "source"} for n in range(10)]
    conn.execute(insert(tables.school), schools)
    classes = [
        {"district": district, "class_id": f"c{n}", "school_id": f"S{n % 10}", "name": "Class", "owner": "source"}
        for n in range(count)
    ]
    conn.execute(insert(tables.class_), classes)


def file() -> pd.DataFrame:
    """Rows of new people in these classes, of which the last one is at another school."""
    rows = [_row(n, f"c{n % CLASSES}", f"S{n % 10}") for n in range(ROWS - 1)]
    return pd.DataFrame([*rows, _row(ROWS - 1, "c1", "S2")])


def _row(number: int, class_id: str, school: str) -> dict[str, Any]:
    named = {"action": "", "schoolId": school, "userId": f"u{number}", "userRole": "Teacher", "classId": class_id}
    names = {"userFirstName": "Ada", "userLastName": "Quimby", "className": "Class", "classGrade": ""}
    address = f"u{number}@springfield.example"
    known = {"userEmail": address, "email_key": address, "line": number + 2, "status": "accepted"}
    return named | names | known | {"class_part_dropped": False}


@pytest.fixture
def unseen(engine: Engine, superuser_engine: Engine) -> Engine:
    """The tasks' engine on a database where autovacuum does not come by."""
    with superuser_engine.begin() as conn:
        for name in ROSTER:
            conn.execute(text(f'ALTER TABLE roster."{name}" SET (autovacuum_enabled = false)'))
    return engine


def compared_in_vain(conn: Connection) -> int:
    """Pairs of a row and a record that the joins of the rules about classes look at and throw away."""
    context = PlanContext(district="springfield", dictionary=dictionary.load_dictionary(), today=date(2026, 11, 23))
    with acting_as(conn, "roster_sync", "springfield"):
        ws = open_workspace(conn, context, file())
        ws.stage = ws.delivered
        return sum(_removed(_explained(ws, found)) for found in single_rows._classes(ws))


def _explained(ws: Workspace, found: Any) -> dict[str, Any]:
    compiled = found.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {compiled}"
    plan: dict[str, Any] = ws.conn.exec_driver_sql(explain.replace("%", "%%")).scalar_one()[0]["Plan"]
    return plan


def _removed(node: dict[str, Any]) -> int:
    mine = node.get("Rows Removed by Join Filter", 0) * node.get("Actual Loops", 1)
    return int(mine) + sum(_removed(child) for child in node.get("Plans", ()))


def test_the_joins_of_a_plan_grow_with_the_rows_and_not_with_rows_times_classes(
    unseen: Engine, superuser_engine: Engine
) -> None:
    with superuser_engine.begin() as conn:
        load_classes(conn)
    with superuser_engine.connect() as conn, conn.begin() as transaction:
        assert compared_in_vain(conn) > 10 * ROWS, "the scene does not show what it is about"
        transaction.rollback()
    analyzed = database.refresh_statistics(unseen)
    assert sorted(analyzed) == ["roster.class", "roster.district", "roster.school"]
    with superuser_engine.connect() as conn, conn.begin() as transaction:
        assert compared_in_vain(conn) < 10 * ROWS
        transaction.rollback()


def test_what_is_known_is_not_looked_at_again_until_the_tables_have_grown(
    unseen: Engine, superuser_engine: Engine
) -> None:
    assert database.refresh_statistics(unseen) == []
    with superuser_engine.begin() as conn:
        load_classes(conn, count=600)
    assert "roster.class" in database.refresh_statistics(unseen)
    assert database.refresh_statistics(unseen) == []
    with superuser_engine.begin() as conn:
        load_classes(conn, district="shelbyville")
    assert "roster.class" in database.refresh_statistics(unseen)
    assert database.refresh_statistics(unseen) == []


def test_rows_that_were_counted_are_no_columns_that_were_looked_at(unseen: Engine, superuser_engine: Engine) -> None:
    """A restore builds the indexes last, which counts the rows of their tables; VACUUM counts them as well."""
    with superuser_engine.begin() as conn:
        load_classes(conn)
    with superuser_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM roster.class"))
        counted = conn.scalar(text("SELECT reltuples FROM pg_class WHERE oid = 'roster.class'::regclass"))
    assert counted == CLASSES
    assert "roster.class" in database.refresh_statistics(unseen)
    with superuser_engine.connect() as conn:
        columns = conn.scalars(text("SELECT attname FROM pg_stats WHERE schemaname = 'roster' AND tablename = 'class'"))
        assert {"district", "class_id", "school_id"} <= set(columns)


def test_a_night_brings_the_statistics_up_to_date_before_it_plans(nights: Nights) -> None:
    with nights.owner.begin() as conn:
        for name in ROSTER:
            conn.execute(text(f'ALTER TABLE roster."{name}" SET (autovacuum_enabled = false)'))
    nights.put([teaching(number, f"C{number}") for number in range(1, 4)])
    nights.sync()
    nights.put([teaching(number, f"C{number}") for number in range(1, 5)], at=nights.now)
    nights.sync("night-2")
    with nights.owner.connect() as conn:
        looked_at = conn.scalars(text("SELECT relname FROM pg_stat_all_tables WHERE analyze_count > 0"))
        assert set(ROSTER) <= set(looked_at)


def test_nobody_waits_for_statistics_and_no_failure_of_them_fails_a_night(
    nights: Nights, superuser_engine: Engine
) -> None:
    with superuser_engine.connect() as conn, conn.begin() as other:
        conn.execute(text("LOCK TABLE roster.class IN SHARE UPDATE EXCLUSIVE MODE"))
        nights.put([teaching(1, "C1")])
        assert [str(result.outcome) for result in nights.sync()] == ["applied"]
        other.rollback()
    with superuser_engine.begin() as conn:
        conn.execute(text("DROP FUNCTION roster.refresh_statistics()"))
    assert database.refresh_statistics(nights.engine) == ()
    nights.put([teaching(2, "C2")], at=nights.now)
    assert [str(result.outcome) for result in nights.sync("night-2")] == ["applied"]


def test_a_task_may_refresh_statistics_but_maintain_no_table(engine: Engine) -> None:
    with engine.connect() as conn:
        rights = conn.scalar(text("SELECT has_table_privilege('roster.class', 'MAINTAIN')"))
        assert rights is False
        may = text("SELECT has_function_privilege(:role, 'roster.refresh_statistics()', 'EXECUTE')")
        logins = ("roster_sync", "roster_source", "roster_manual", "roster_read")
        assert [conn.scalar(may, {"role": role}) for role in logins] == [True, True, True, False]
        secured = select(text("prosecdef, pg_get_userbyid(proowner)")).select_from(text("pg_proc"))
        row = conn.execute(secured.where(text("proname = 'refresh_statistics'"))).one()
        assert tuple(row) == (True, "roster_owner")

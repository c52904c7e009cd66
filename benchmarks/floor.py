"""The floor: the file's bytes through COPY and the bare merges of staff, classes and enrollments. Nothing else.

The tables are copies of the roster's, with its keys, indexes, foreign keys, policies and triggers, holding the same
roster of record, and the tasks' login writes them.
Placements are written too, because enrollments make no sense without them, but their time is told apart: the floor of
the specification has three entities.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.ground import DISTRICT, WARM

TABLES = ("district", "school", "person", "placement", "class", "enrollment")
FOREIGN_KEYS = (
    ("school", ("district",), "district"),
    ("person", ("district",), "district"),
    ("placement", ("district", "user_id"), "person"),
    ("placement", ("district", "school_id"), "school"),
    ("class", ("district", "school_id"), "school"),
    ("enrollment", ("district", "user_id"), "person"),
    ("enrollment", ("district", "class_id"), "class"),
)
STAFF = """
MERGE INTO floor.person t
USING (SELECT DISTINCT ON ("userId") * FROM floor_stage ORDER BY "userId") s
   ON t.district = %(district)s AND t.user_id = s."userId"
 WHEN MATCHED AND (t.role, t.first_name, t.last_name, t.email)
      IS DISTINCT FROM (s."userRole", s."userFirstName", s."userLastName", s."userEmail") THEN
      UPDATE SET role = s."userRole", first_name = s."userFirstName", last_name = s."userLastName",
                 email = s."userEmail", email_key = lower(s."userEmail"), updated_at = now()
 WHEN NOT MATCHED THEN
      INSERT (district, user_id, role, first_name, last_name, email, email_key, owner)
      VALUES (%(district)s, s."userId", s."userRole", s."userFirstName", s."userLastName", s."userEmail",
              lower(s."userEmail"), 'file')
"""
PLACEMENTS = """
MERGE INTO floor.placement t
USING (SELECT DISTINCT ON ("userId", "schoolId") * FROM floor_stage ORDER BY "userId", "schoolId") s
   ON t.district = %(district)s AND t.user_id = s."userId" AND t.school_id = s."schoolId"
 WHEN MATCHED AND t.staff_type IS DISTINCT FROM s."staffType" THEN
      UPDATE SET staff_type = s."staffType", updated_at = now()
 WHEN NOT MATCHED THEN
      INSERT (district, user_id, school_id, staff_type, status, owner)
      VALUES (%(district)s, s."userId", s."schoolId", s."staffType", 'active', 'file')
"""
CLASSES = """
MERGE INTO floor.class t
USING (SELECT DISTINCT ON ("classId") * FROM floor_stage ORDER BY "classId") s
   ON t.district = %(district)s AND t.class_id = s."classId"
 WHEN MATCHED AND (t.name, t.grade) IS DISTINCT FROM (s."className", s."classGrade") THEN
      UPDATE SET name = s."className", grade = s."classGrade", updated_at = now()
 WHEN NOT MATCHED THEN
      INSERT (district, class_id, school_id, name, grade, owner)
      VALUES (%(district)s, s."classId", s."schoolId", s."className", s."classGrade", 'file')
"""
ENROLLMENTS = """
MERGE INTO floor.enrollment t
USING (SELECT DISTINCT ON ("userId", "classId") * FROM floor_stage ORDER BY "userId", "classId") s
   ON t.district = %(district)s AND t.user_id = s."userId" AND t.class_id = s."classId"
 WHEN MATCHED AND t.primary_teacher IS DISTINCT FROM (s."primaryTeacher" = 'Yes') THEN
      UPDATE SET primary_teacher = (s."primaryTeacher" = 'Yes'), updated_at = now()
 WHEN NOT MATCHED THEN
      INSERT (district, user_id, class_id, primary_teacher, status, owner)
      VALUES (%(district)s, s."userId", s."classId", s."primaryTeacher" = 'Yes', 'active', 'file')
"""
MERGES = {"staff": STAFF, "classes": CLASSES, "placements": PLACEMENTS, "enrollments": ENROLLMENTS}
BESIDE = "placements"
_BLOCK = 1 << 20


def lay(owner_url: str) -> None:
    """Make the copies of the tables and fill them with the roster as it is now."""
    with psycopg.connect(_plain(owner_url)) as conn:
        conn.execute("CREATE SCHEMA floor")
        for name in TABLES:
            conn.execute(_copy_of(name))
            columns = _columns(conn, name)
            for code in (DISTRICT, WARM):
                _concern(conn, code)
                conn.execute(_fill(name, columns), [code])
        for name, columns, parent in FOREIGN_KEYS:
            conn.execute(_reference(name, columns, parent))
        for name in TABLES:
            _protect(conn, name)
        conn.execute("GRANT USAGE ON SCHEMA floor TO roster_sync")
        conn.execute("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA floor TO roster_sync")
    with psycopg.connect(_plain(owner_url), autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")


def _plain(url: str) -> str:
    return url.replace("+psycopg", "")


def _copy_of(name: str) -> sql.Composed:
    return sql.SQL("CREATE TABLE floor.{0} (LIKE roster.{0} INCLUDING ALL)").format(sql.Identifier(name))


def _reference(name: str, columns: tuple[str, ...], parent: str) -> sql.Composed:
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    target = sql.Identifier("code") if parent == "district" else listed
    add = sql.SQL("ALTER TABLE floor.{} ADD FOREIGN KEY ({}) REFERENCES floor.{} ({})")
    return add.format(sql.Identifier(name), listed, sql.Identifier(parent), target)


def _fill(name: str, columns: list[str]) -> sql.Composed:
    whose = sql.Identifier("code" if name == "district" else "district")
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    fill = sql.SQL("INSERT INTO floor.{0} ({1}) SELECT {1} FROM roster.{0} WHERE {2} = %s")
    return fill.format(sql.Identifier(name), listed, whose)


def _protect(conn: psycopg.Connection, name: str) -> None:
    """The roster's own policies and triggers: what protection costs, the floor pays too."""
    table = sql.Identifier("floor", name)
    policies = (
        "SELECT policyname, cmd, qual, with_check FROM pg_policies WHERE schemaname = 'roster' AND tablename = %s"
    )
    for policy, verb, sees, may_write in conn.execute(policies, [name]).fetchall():
        words = sql.SQL("CREATE POLICY {} ON {} FOR {} USING ({})").format(
            sql.Identifier(policy), table, sql.SQL(verb), sql.SQL(sees)
        )
        check = sql.SQL(" WITH CHECK ({})").format(sql.SQL(may_write)) if may_write else sql.SQL("")
        conn.execute(words + check)
    conn.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY").format(table))
    triggers = "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal"
    for (words,) in conn.execute(triggers, [f"roster.{name}"]).fetchall():
        conn.execute(sql.SQL(words.replace(" ON roster.", " ON floor.", 1)))


def _concern(conn: psycopg.Connection, code: str) -> None:
    conn.execute("SELECT set_config('rostersync.district', %s, true)", [code])


def _columns(conn: psycopg.Connection, name: str) -> list[str]:
    wanted = """
        SELECT column_name FROM information_schema.columns
         WHERE table_schema = 'roster' AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position
    """
    return [row[0] for row in conn.execute(wanted, [name])]


def night(url: str, file: Path) -> dict[str, float]:
    """Seconds of the copy and of each merge; one transaction of the tasks' login, committed."""
    seconds: dict[str, float] = {}
    with psycopg.connect(_plain(url)) as conn:
        _concern(conn, DISTRICT)
        with _timed(seconds, "copy"):
            _copy(conn, file)
        for name, merge in MERGES.items():
            with _timed(seconds, name):
                conn.execute(merge, {"district": DISTRICT})
        with _timed(seconds, "commit"):
            conn.commit()
    return seconds


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - start


def _copy(conn: psycopg.Connection, file: Path) -> None:
    with file.open(encoding="utf-8-sig", newline="") as text:
        headers = next(csv.reader(text))
    columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(header)) for header in headers)
    conn.execute(sql.SQL("CREATE TEMPORARY TABLE floor_stage ({}) ON COMMIT DROP").format(columns))
    with conn.cursor().copy("COPY floor_stage FROM STDIN (FORMAT csv, HEADER)") as copy, file.open("rb") as data:
        while block := data.read(_BLOCK):
            copy.write(block)
    conn.execute("ANALYZE floor_stage")

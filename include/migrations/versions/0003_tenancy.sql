-- Districts apart, owners apart, and each login with no more than it needs.

-- A typed ID is compared with known ones regardless of case and leading zeros. A column of its own: under row-level
-- security an index on lower() would not be used, because that function might tell something of hidden rows.
ALTER TABLE roster.person
    ADD COLUMN id_fold TEXT GENERATED ALWAYS AS (lower(ltrim(user_id, '0'))) STORED;
DROP INDEX roster.ix_person_id_fold;
CREATE INDEX ix_person_id_fold ON roster.person (district, id_fold);


-- 1. Row-level security, forced: the owner of the tables is under it too.

CREATE FUNCTION roster.current_district() RETURNS TEXT
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    code TEXT := nullif(pg_catalog.current_setting('rostersync.district', true), '');
BEGIN
    IF code IS NULL THEN
        RAISE EXCEPTION 'no district is set for this transaction' USING ERRCODE = 'RSD01';
    END IF;
    RETURN code;
END
$$;

-- Said twice. The subquery is computed once for a statement and compared with each row; the planner derives from both
-- that they are equal and checks that before the first row, so that an empty table raises as well.
DO $$
DECLARE
    guarded REGCLASS;
BEGIN
    FOREACH guarded IN ARRAY ARRAY[
        'roster.school', 'roster.person', 'roster.placement', 'roster.class', 'roster.enrollment',
        'intake.finding', 'intake.plan', 'intake.decision', 'intake.change', 'intake.report', 'intake.report_file',
        'intake.delivery', 'intake.attempt', 'intake.arrival', 'intake.run_delivery', 'intake.message'
    ] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY district ON %s
                USING (district = roster.current_district() AND district = (SELECT roster.current_district()))
                WITH CHECK (district = (SELECT roster.current_district()))',
            guarded
        );
    END LOOP;
END
$$;

ALTER TABLE roster.district ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY district ON roster.district
    USING (code = roster.current_district() AND code = (SELECT roster.current_district()))
    WITH CHECK (code = (SELECT roster.current_district()));

-- The ledger's listings hold ids, counts, states and the contacts' addresses, no cells: anybody who may read them
-- reads them for all districts (the relay, the reviews, the watcher), and writes them for one.
DO $$
DECLARE
    listing REGCLASS;
BEGIN
    FOREACH listing IN ARRAY ARRAY[
        'roster.district', 'intake.delivery', 'intake.attempt', 'intake.arrival', 'intake.run_delivery',
        'intake.message'
    ] LOOP
        EXECUTE format('CREATE POLICY listing ON %s FOR SELECT USING (true)', listing);
    END LOOP;
END
$$;


-- 2. Owners. The plain cases are in the WHEN clauses, which cost next to nothing; the function judges all others.

CREATE FUNCTION roster.check_owner() RETURNS TRIGGER
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before TEXT;
    edited TEXT[] := '{}';
    allowed BOOLEAN;
BEGIN
    -- The tables' owner migrates and repairs, and PostgreSQL acts as the owner where a corrected ID is carried on to
    -- placements and enrollments.
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        before := OLD.owner;
        SELECT coalesce(array_agg(key), '{}') INTO edited
        FROM jsonb_each(to_jsonb(NEW)) n
        WHERE n.value IS DISTINCT FROM to_jsonb(OLD) -> n.key
            AND n.key NOT IN (
                SELECT attname FROM pg_attribute WHERE attrelid = TG_RELID AND attgenerated <> ''
                UNION ALL VALUES ('sticky'), ('updated_at'), ('email_key')
            );
    END IF;
    allowed := CASE NEW.owner
        WHEN 'source' THEN
            -- A file's person who appears in the enrollment source is handed over to it.
            pg_has_role(current_user, 'roster_source', 'USAGE') AND coalesce(before, 'source') IN ('source', 'file')
        WHEN 'manual' THEN
            pg_has_role(current_user, 'roster_manual', 'USAGE') AND coalesce(before, 'manual') = 'manual'
        WHEN 'file' THEN
            (pg_has_role(current_user, 'roster_sync', 'USAGE') AND coalesce(before, 'file') = 'file')
            -- By hand: release a manual record, or edit fields that are sticky from then on.
            OR (pg_has_role(current_user, 'roster_manual', 'USAGE')
                AND (before = 'manual' OR (before = 'file' AND edited <@ NEW.sticky)))
    END;
    IF allowed IS NOT TRUE THEN
        RAISE EXCEPTION '% may not write a record of this owner', current_user
            USING ERRCODE = 'RSO01', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END
$$;

DO $$
DECLARE
    owned REGCLASS;
BEGIN
    FOREACH owned IN ARRAY ARRAY[
        'roster.school', 'roster.person', 'roster.placement', 'roster.class', 'roster.enrollment'
    ] LOOP
        EXECUTE format(
            'CREATE TRIGGER owner_of_new BEFORE INSERT ON %s FOR EACH ROW
                WHEN ((NEW.owner, current_user) NOT IN (
                    (''file'', ''roster_sync''), (''source'', ''roster_source''), (''manual'', ''roster_manual'')
                ))
                EXECUTE FUNCTION roster.check_owner()',
            owned
        );
        EXECUTE format(
            'CREATE TRIGGER owner_of_changed BEFORE UPDATE ON %s FOR EACH ROW
                WHEN ((OLD.owner, NEW.owner, current_user) NOT IN (
                    (''file'', ''file'', ''roster_sync''), (''source'', ''source'', ''roster_source''),
                    (''manual'', ''manual'', ''roster_manual'')
                ))
                EXECUTE FUNCTION roster.check_owner()',
            owned
        );
    END LOOP;
END
$$;


-- 3. One look over the districts: which of these addresses are taken elsewhere. It runs as roster_peek, who passes
-- row-level security and may read just the two columns that the answer needs. As the tables' owner it would be under
-- the policies and always answer "free".

CREATE FUNCTION roster.taken_elsewhere(keys TEXT[]) RETURNS SETOF TEXT
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.active_email_key FROM roster.person p
    WHERE p.active_email_key = ANY (keys) AND p.district <> roster.current_district()
$$;
REVOKE EXECUTE ON FUNCTION roster.taken_elsewhere(TEXT[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION roster.taken_elsewhere(TEXT[]) TO roster_sync, roster_source, roster_manual;
GRANT USAGE ON SCHEMA roster TO roster_peek;
GRANT SELECT (district, active_email_key) ON roster.person TO roster_peek;
GRANT CREATE ON SCHEMA roster TO roster_peek;
ALTER FUNCTION roster.taken_elsewhere(TEXT[]) OWNER TO roster_peek;
REVOKE CREATE ON SCHEMA roster FROM roster_peek;


-- 4. Rights. Nobody but the owner defines or empties anything, and nobody else deletes from the roster.

DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO roster_sync, roster_source', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO roster_manual, roster_read, roster_sweep', current_database());
END
$$;

-- The tasks change values, never whose a record is, which district it is in, or what was edited by hand; and what the
-- ledger says has happened stays said.
REVOKE UPDATE ON ALL TABLES IN SCHEMA roster FROM roster_sync;
GRANT UPDATE (roster_version) ON roster.district TO roster_sync;
GRANT UPDATE (name, status, updated_at) ON roster.school TO roster_sync;
GRANT UPDATE (
    user_id, user_district_id, user_state_id, role, first_name, last_name, middle_name, email, email_key, status,
    updated_at
) ON roster.person TO roster_sync;
GRANT UPDATE (staff_type, start_date, end_date, status, updated_at) ON roster.placement TO roster_sync;
GRANT UPDATE (school_id, name, display_name, grade, status, updated_at) ON roster.class TO roster_sync;
GRANT UPDATE (primary_teacher, start_date, end_date, status, assigned_at, updated_at) ON roster.enrollment TO roster_sync;
REVOKE UPDATE ON
    intake.change, intake.arrival, intake.attempt, intake.finding, intake.plan, intake.report, intake.report_file,
    intake.run_districts
FROM roster_sync;

-- The enrollment source and the pages write the roster, its version and the change log.
GRANT USAGE ON SCHEMA roster, intake TO roster_source, roster_manual;
GRANT SELECT ON ALL TABLES IN SCHEMA roster TO roster_source, roster_manual;
GRANT INSERT, UPDATE ON roster.school, roster.person, roster.placement, roster.class, roster.enrollment
    TO roster_source, roster_manual;
GRANT INSERT ON roster.district TO roster_source;
GRANT UPDATE (name, roster_version) ON roster.district TO roster_source;
GRANT UPDATE (roster_version) ON roster.district TO roster_manual;
GRANT SELECT, INSERT ON intake.change TO roster_source, roster_manual;
GRANT SELECT ON ALL TABLES IN SCHEMA intake TO roster_manual;

-- Retention: what is old enough goes, from the ledger and its cells alone, for the district that is set. The sweep
-- writes nothing.
GRANT USAGE ON SCHEMA roster, intake TO roster_sweep;
GRANT SELECT ON roster.district TO roster_sweep;
GRANT SELECT ON ALL TABLES IN SCHEMA intake TO roster_sweep;
GRANT DELETE ON
    intake.finding, intake.plan, intake.decision, intake.change, intake.report, intake.report_file, intake.message,
    intake.arrival, intake.attempt, intake.run_delivery, intake.run_districts, intake.delivery
TO roster_sweep;

-- 1. A file's name may be a person's. Looks at inboxes are seen by their district alone.

DROP POLICY listing ON intake.arrival;


-- 2. What was entered for a recipient, or for a place, goes there or nowhere: the tasks change its state.

REVOKE UPDATE ON intake.message, intake.report_drop FROM roster_sync;
-- A report that is rendered again takes its unsent messages over.
GRANT UPDATE (
    state, tries, answer, next_try_at, claimed_at, created_at, sent_at, released_at, released_by, report, message_id
) ON intake.message TO roster_sync;
GRANT UPDATE (state, tries, answer, next_try_at, created_at, dropped_at) ON intake.report_drop TO roster_sync;


-- 3. An address's key is computed from it, so it changes with it. Only who computes keys anew may correct one alone.

CREATE FUNCTION roster.check_email_key() RETURNS TRIGGER
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE')
        OR pg_has_role(current_user, 'roster_sync', 'USAGE') OR pg_has_role(current_user, 'roster_source', 'USAGE')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% may not change the key of an address alone', current_user
        USING ERRCODE = 'RSK01', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
END
$$;
CREATE TRIGGER key_of_address BEFORE UPDATE ON roster.person FOR EACH ROW
    WHEN (NEW.email_key IS DISTINCT FROM OLD.email_key AND NEW.email IS NOT DISTINCT FROM OLD.email)
    EXECUTE FUNCTION roster.check_email_key();


-- 4. What was typed as a schoolId is no key of the counts, which all districts' operators read for three years: it may
-- be a name or an address from a shifted column. Counts of before are folded into one entry.

DO $$
DECLARE
    here TEXT;
BEGIN
    FOR here IN SELECT code FROM roster.district LOOP
        PERFORM set_config('rostersync.district', here, true);
        WITH known AS (
            SELECT school_id FROM roster.school WHERE district = here UNION ALL SELECT '(none)'
        ), folded AS (
            SELECT a.delivery, a.number, coalesce(k.school_id, '(unknown)') AS school, e.key AS entity, b.key AS bucket,
                sum(b.value::int) AS n
            FROM intake.attempt a, jsonb_each(a.by_school) s LEFT JOIN known k ON k.school_id = s.key,
                jsonb_each(s.value) e, jsonb_each_text(e.value) b
            WHERE a.district = here
            GROUP BY 1, 2, 3, 4, 5
        ), by_entity AS (
            SELECT delivery, number, school, entity, jsonb_object_agg(bucket, n) AS buckets
            FROM folded GROUP BY 1, 2, 3, 4
        ), of_school AS (
            SELECT delivery, number, school, jsonb_object_agg(entity, buckets) AS entities FROM by_entity GROUP BY 1, 2, 3
        ), whole AS (
            SELECT delivery, number, jsonb_object_agg(school, entities) AS by_school FROM of_school GROUP BY 1, 2
        )
        UPDATE intake.attempt a SET by_school = w.by_school FROM whole w
        WHERE a.district = here AND a.delivery = w.delivery AND a.number = w.number AND a.by_school <> w.by_school;
    END LOOP;
    PERFORM set_config('rostersync.district', '', true);
END
$$;

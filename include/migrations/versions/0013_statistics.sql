-- Without statistics PostgreSQL expects a handful of classes where there are 25,000, and compares each of them with each
-- row of a file. That is so after a restore, after a load, and wherever autovacuum has not come by yet.
--
-- It runs as the tables' owner. GRANT MAINTAIN would be the other way: it also lets a task lock all readers out.

CREATE FUNCTION roster.refresh_statistics() RETURNS SETOF TEXT
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known RECORD;
BEGIN
    FOR known IN
        SELECT c.oid::regclass AS name
        FROM pg_class c
        CROSS JOIN LATERAL (
            SELECT pg_relation_size(c.oid) / current_setting('block_size')::BIGINT AS pages,
                coalesce(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) AS analyzed,
                pg_stat_get_mod_since_analyze(c.oid) AS changed
        ) now
        WHERE c.relnamespace = 'roster'::regnamespace AND c.relkind = 'r' AND now.pages > 0
            AND (
                -- Never looked at. An index built after a restore counts the rows, but looks at no column.
                c.reltuples < 0
                OR (now.analyzed IS NULL AND current_setting('track_counts')::BOOLEAN)
                -- Loaded since: twice the size, or a fifth of the rows.
                OR now.pages > 2 * c.relpages
                OR now.changed > 500 + c.reltuples / 5
            )
        ORDER BY c.oid
    LOOP
        -- Whoever holds the table is analyzing or migrating it: nothing here is worth waiting for.
        EXECUTE format('ANALYZE (SKIP_LOCKED) %s', known.name);
        RETURN NEXT known.name;
    END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION roster.refresh_statistics() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION roster.refresh_statistics() TO roster_sync, roster_source, roster_manual;

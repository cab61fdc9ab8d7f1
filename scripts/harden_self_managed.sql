-- Optional, for self-managed servers: revokes what PostgreSQL grants to every role and only a superuser may revoke. Run it
-- in the service's database after the migrations, and again after every restore or major upgrade (dumps do not contain
-- changes of the catalogue); it may be repeated:
--   psql -f scripts/harden_self_managed.sql
-- The same script reverts everything:
--   PGOPTIONS="-c mtdb.harden=off" psql -f scripts/harden_self_managed.sql
--
-- Without it, as on managed servers, SQL injected into the service still reads no row of another organisation. It can
-- count (rows, bytes, transactions of the whole table or server), disrupt (locks, terminated sessions, policies dropped
-- until they are created again), and store data (large objects). Monitoring still works: pg_monitor keeps the privileges
-- that PUBLIC loses.

-- 1. No DDL by the two login roles: DROP OWNED BY CURRENT_USER would drop the policies for them.
CREATE OR REPLACE FUNCTION tenancy_private.refuse_ddl() RETURNS event_trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF session_user IN ('tenancy_api', 'tenancy_operator') THEN
        RAISE EXCEPTION '% is not for %', tg_tag, session_user
        USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION tenancy_private.refuse_ddl() FROM PUBLIC;
DROP EVENT TRIGGER IF EXISTS tenancy_refuses_ddl;

DO $ddl$
BEGIN
    IF coalesce(current_setting('mtdb.harden', true), 'on') <> 'off' THEN
        CREATE EVENT TRIGGER tenancy_refuses_ddl ON ddl_command_start EXECUTE FUNCTION tenancy_private.refuse_ddl();
    ELSE
        DROP FUNCTION tenancy_private.refuse_ddl();
    END IF;
END
$ddl$;

-- 2. Comparisons of texts, times and numbers are LEAKPROOF: the planner may evaluate a caller's `name < 'M'` on a row
-- before the policies. The policies are written to be evaluated first; this is additional protection. Comparisons of ids,
-- which indexes need, are unchanged: an index on any other column is no longer used for a caller's conditions.
DO $leakproof$
DECLARE
    hardened  boolean := coalesce(current_setting('mtdb.harden', true), 'on') <> 'off';
    comparison regprocedure;
BEGIN
    FOR comparison IN
        SELECT oid
        FROM pg_catalog.pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace
          AND proleakproof = hardened
          AND proname ~ ('^(text(eq|ne|eqname|nename|ltname|lename|gtname|gename)|text_(lt|le|gt|ge|larger|smaller)'
                         '|text_pattern_(lt|le|gt|ge)|bttext(_pattern_|name)?cmp|starts_with|name(eq|ne|lt|le|gt|ge)text'
                         '|btnametextcmp|timestamptz_(eq|ne|lt|le|gt|ge|cmp)|int(4|24|42|48|84)(eq|ne|lt|le|gt|ge)'
                         '|btint(4|24|42|48|84)cmp)$')
    LOOP
        EXECUTE format('ALTER FUNCTION %s %s LEAKPROOF', comparison, CASE WHEN hardened THEN 'NOT' ELSE '' END);
    END LOOP;
END
$leakproof$;

-- 3. Functions that count, measure, disrupt or store, independent of the owner of the rows.
DO $functions$
DECLARE
    hardened boolean := coalesce(current_setting('mtdb.harden', true), 'on') <> 'off';
    built_in record;
BEGIN
    FOR built_in IN
        SELECT oid::regprocedure AS name, proname ~ '^pg_(stat_get|lock_status|.*_size$|current_wal)' AS is_monitoring
        FROM pg_catalog.pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace
          -- Functions that initdb grants only to certain roles are not PUBLIC's.
          AND oid NOT IN (SELECT objoid FROM pg_catalog.pg_init_privs WHERE classoid = 'pg_proc'::regclass)
          AND proname <> 'pg_advisory_unlock_all' -- the service's pool calls it between two callers
          AND proname ~ ('^(pg_stat_get_.*|pg_lock_status|pg_(relation|table|indexes|total_relation|database|tablespace)_size'
                         '|currtid2|pg_current_wal.*|pg_logical_emit_message|pg_export_snapshot'
                         '|pg_current_(xact_id|xact_id_if_assigned|snapshot)|txid_current.*'
                         '|pg_(try_)?advisory_.*|pg_cancel_backend|pg_terminate_backend|pg_notify'
                         '|lo_.*|loread|lowrite|.*_to_xml|.*_to_xmlschema|.*_to_xml_and_xmlschema)$')
    LOOP
        IF hardened THEN
            EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', built_in.name);
            IF built_in.is_monitoring THEN
                EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO pg_monitor', built_in.name);
            END IF;
        ELSE
            EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM pg_monitor', built_in.name);
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', built_in.name);
        END IF;
    END LOOP;
END
$functions$;

-- 4. Views of activity, locks and statistics, and the columns of pg_class that count rows and pages.
DO $views$
DECLARE
    hardened boolean := coalesce(current_setting('mtdb.harden', true), 'on') <> 'off';
    counting text[]  := ARRAY['relpages', 'reltuples', 'relallvisible', 'relfrozenxid', 'relminmxid'];
    columns  text;
    built_in regclass;
BEGIN
    FOR built_in IN
        SELECT oid
        FROM pg_catalog.pg_class
        WHERE relnamespace = 'pg_catalog'::regnamespace
          AND relkind = 'v'
          AND relname ~ '^(pg_stat_.*|pg_statio_.*|pg_stats.*|pg_locks|pg_prepared_xacts|pg_replication_slots)$'
    LOOP
        IF hardened THEN
            EXECUTE format('REVOKE SELECT ON %s FROM PUBLIC', built_in);
            EXECUTE format('GRANT SELECT ON %s TO pg_monitor', built_in);
        ELSE
            EXECUTE format('REVOKE SELECT ON %s FROM pg_monitor', built_in);
            EXECUTE format('GRANT SELECT ON %s TO PUBLIC', built_in);
        END IF;
    END LOOP;

    SELECT string_agg(quote_ident(attname), ', ')
    INTO columns
    FROM pg_catalog.pg_attribute
    WHERE attrelid = 'pg_catalog.pg_class'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> ALL (counting);
    IF hardened THEN
        REVOKE SELECT ON pg_catalog.pg_class FROM PUBLIC;
        EXECUTE format('GRANT SELECT (%s) ON pg_catalog.pg_class TO PUBLIC', columns);
        GRANT SELECT ON pg_catalog.pg_class TO pg_monitor;
    ELSE
        EXECUTE format('REVOKE SELECT (%s) ON pg_catalog.pg_class FROM PUBLIC', columns);
        REVOKE SELECT ON pg_catalog.pg_class FROM pg_monitor;
        GRANT SELECT ON pg_catalog.pg_class TO PUBLIC;
    END IF;
END
$views$;

-- 5. The server's other databases, where none of the above restricts the two roles' SQL.
DO $databases$
DECLARE
    hardened boolean := coalesce(current_setting('mtdb.harden', true), 'on') <> 'off';
    other    name;
BEGIN
    FOR other IN
        SELECT datname
        FROM pg_catalog.pg_database
        WHERE datname IN ('postgres', 'template1')
    LOOP
        IF hardened THEN
            EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', other);
            EXECUTE format('GRANT CONNECT ON DATABASE %I TO pg_monitor', other);
        ELSE
            EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM pg_monitor', other);
            EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO PUBLIC', other);
        END IF;
    END LOOP;
END
$databases$;

-- Creates the four roles of the service and revokes privileges of PUBLIC. Run it in the service's database, once per
-- database, before the migrations; running it again is safe and resets the passwords. `mtdb migrate` runs it.
--
-- Needs a superuser, or a role with CREATEROLE that owns the database (then see the notes marked "managed server").
-- Passwords are passed as SCRAM verifiers, in two settings of the session; `mtdb migrate` computes them. A failing
-- statement would write a password itself to the server's log. Without verifiers an existing role keeps its password, and
-- a new one has none: set it with `\password tenancy_api` in psql, which sends a verifier, too.

DO $roles$
DECLARE
    api_verifier      text := nullif(current_setting('mtdb.api_verifier', true), '');
    operator_verifier text := nullif(current_setting('mtdb.operator_verifier', true), '');
    verifier_form     text := '^SCRAM-SHA-256\$\d+:[\w+/=]+\$[\w+/]{43}=:[\w+/]{43}=$';
BEGIN
    -- ALTER ROLE would store anything else as a password.
    IF api_verifier !~ verifier_form OR operator_verifier !~ verifier_form THEN
        RAISE EXCEPTION 'mtdb.api_verifier and mtdb.operator_verifier take SCRAM-SHA-256 verifiers, not passwords';
    END IF;

    -- Owns every object and cannot log in. FORCE ROW LEVEL SECURITY applies to it, too: it sees no tenant.
    IF to_regrole('tenancy_owner') IS NULL THEN
        CREATE ROLE tenancy_owner NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
    END IF;

    -- A platform operator's request switches to it. Its policies require the operator's token in addition.
    IF to_regrole('tenancy_platform') IS NULL THEN
        CREATE ROLE tenancy_platform NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
    END IF;

    -- The service connects as this role. It owns nothing.
    IF to_regrole('tenancy_api') IS NULL THEN
        CREATE ROLE tenancy_api LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
    END IF;

    -- The command line connects as this role, to issue and revoke tokens and to seed.
    IF to_regrole('tenancy_operator') IS NULL THEN
        CREATE ROLE tenancy_operator LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
    END IF;

    IF api_verifier IS NOT NULL THEN
        EXECUTE format('ALTER ROLE tenancy_api PASSWORD %L', api_verifier);
    END IF;
    IF operator_verifier IS NOT NULL THEN
        EXECUTE format('ALTER ROLE tenancy_operator PASSWORD %L', operator_verifier);
    END IF;
END
$roles$;

-- Not inherited: tenancy_platform's privileges apply only after SET LOCAL ROLE.
GRANT tenancy_platform TO tenancy_api, tenancy_operator WITH INHERIT FALSE, SET TRUE;

-- PUBLIC has no privileges: no CONNECT, no TEMPORARY (a temporary table could hide a table of a function), no schema.
DO $database$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO tenancy_api, tenancy_operator', current_database());
    EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO tenancy_owner', current_database());
END
$database$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO tenancy_owner;
GRANT USAGE ON SCHEMA public TO tenancy_api;

-- No DO blocks and no functions except the owner's. Managed server: only a superuser may revoke this; otherwise a warning
-- is raised, and the service's role can run DO blocks, with the same privileges as its other SQL.
REVOKE ALL ON LANGUAGE sql, plpgsql FROM PUBLIC;
GRANT USAGE ON LANGUAGE sql, plpgsql TO tenancy_owner;

-- Every role may change its own defaults, and PostgreSQL cannot forbid it: SQL injected into the service could do so to
-- stop the service (row_security = off, a timeout of 1 ms). Running this script again resets them.
DO $defaults$
DECLARE
    login text;
BEGIN
    FOREACH login IN ARRAY ARRAY['tenancy_api', 'tenancy_operator'] LOOP
        EXECUTE format('ALTER ROLE %I RESET ALL', login);
        EXECUTE format('ALTER ROLE %I IN DATABASE %I RESET ALL', login, current_database());
    END LOOP;
END
$defaults$;

-- Names resolve to the catalogue only; all other names are schema-qualified.
ALTER ROLE tenancy_api SET search_path = pg_catalog;
ALTER ROLE tenancy_operator SET search_path = pg_catalog;

-- With `off`, which a server or a database may set, PostgreSQL rejects every statement that a policy would filter.
ALTER ROLE tenancy_api SET row_security = on;
ALTER ROLE tenancy_operator SET row_security = on;

-- A long statement, lock wait or idle transaction ends and releases its connection.
ALTER ROLE tenancy_api SET statement_timeout = '5s';
ALTER ROLE tenancy_api SET lock_timeout = '2s';
ALTER ROLE tenancy_api SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE tenancy_api SET transaction_timeout = '15s';

-- Without statistics of tenants' rows, the planner estimates every organisation as small: it would read and sort all
-- rows of a large one. With this cost an ordered index scan, which stops at the end of a page, is never more expensive.
ALTER ROLE tenancy_api SET random_page_cost = 1;
ALTER ROLE tenancy_operator SET random_page_cost = 1;

-- The policies set this cost whenever a statement is planned, see tenancy.policies_come_first(). Planning then seems free,
-- and a statement would be planned anew in every execution.
ALTER ROLE tenancy_api SET cpu_operator_cost = 0;
ALTER ROLE tenancy_operator SET cpu_operator_cost = 0;
ALTER ROLE tenancy_api SET plan_cache_mode = force_generic_plan;
ALTER ROLE tenancy_operator SET plan_cache_mode = force_generic_plan;

-- Parameters contain tokens, so no failed statement logs them, and, below, no log or view shows them.
ALTER ROLE tenancy_api SET log_parameter_max_length_on_error = 0;
ALTER ROLE tenancy_operator SET log_parameter_max_length_on_error = 0;

-- Managed server: only a superuser may set these for a role; then set them for the whole server instead.
DO $logging$
BEGIN
    ALTER ROLE tenancy_api SET log_parameter_max_length = 0;
    ALTER ROLE tenancy_operator SET log_parameter_max_length = 0;
    ALTER ROLE tenancy_api SET track_activities = off;
    ALTER ROLE tenancy_operator SET track_activities = off;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE WARNING 'not a superuser: set log_parameter_max_length = 0 and track_activities = off for the server';
END
$logging$;

-- `mtdb check` verifies that the planner keeps no statistics of tenants' rows: it reads which columns have statistics, not
-- their content. A privilege on the catalogue also makes PostgreSQL refuse DROP OWNED BY CURRENT_USER, which would drop
-- the policies for the role. Managed server: only a superuser may grant this.
DO $statistics$
BEGIN
    GRANT SELECT (starelid, staattnum) ON pg_catalog.pg_statistic TO tenancy_api, tenancy_platform, tenancy_operator;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE WARNING 'not a superuser: `mtdb check` cannot see which statistics the planner keeps';
END
$statistics$;

-- Dumps do not include revoked privileges on the row types of tables: after a restore they are revoked again.
DO $types$
DECLARE
    row_type regtype;
BEGIN
    FOR row_type IN
        SELECT type.oid
        FROM pg_catalog.pg_type AS type
        JOIN pg_catalog.pg_class AS class ON class.oid = type.typrelid
        CROSS JOIN LATERAL aclexplode(coalesce(type.typacl, acldefault('T', type.typowner))) AS granted
        WHERE type.typowner = to_regrole('tenancy_owner')
          AND class.relkind IN ('r', 'p', 'v', 'c')
          AND granted.grantee = 0
    LOOP
        SET LOCAL ROLE tenancy_owner;
        EXECUTE format('REVOKE USAGE ON TYPE %s FROM PUBLIC', row_type);
        RESET ROLE;
    END LOOP;
END
$types$;

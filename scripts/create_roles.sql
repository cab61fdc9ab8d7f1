-- The four roles of the service, and what PUBLIC loses. Run it in the service's database, once per database, before the
-- migrations; running it again is harmless and sets the passwords anew. `mtdb migrate` does so.
--
-- Needs a superuser, or a role with CREATEROLE that owns the database (then see the notes marked "managed server").
-- Passwords come as SCRAM verifiers, in two settings of the session; `mtdb migrate` makes them. A password itself would
-- stand in the server's log, should a statement that holds it fail. Without them a role keeps the password it has, and a
-- new one has none: then `\password tenancy_api` in psql sets it, which sends a verifier, too.

DO $roles$
DECLARE
    api_verifier      text := nullif(current_setting('mtdb.api_verifier', true), '');
    operator_verifier text := nullif(current_setting('mtdb.operator_verifier', true), '');
    verifier_form     text := '^SCRAM-SHA-256\$\d+:[\w+/=]+\$[\w+/]{43}=:[\w+/]{43}=$';
BEGIN
    -- ALTER ROLE takes anything else for a password, and would store it as one.
    IF api_verifier !~ verifier_form OR operator_verifier !~ verifier_form THEN
        RAISE EXCEPTION 'mtdb.api_verifier and mtdb.operator_verifier take SCRAM-SHA-256 verifiers, not passwords';
    END IF;

    -- Owns every object and never logs in. FORCE ROW LEVEL SECURITY binds it too: it sees no tenant.
    IF to_regrole('tenancy_owner') IS NULL THEN
        CREATE ROLE tenancy_owner NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
    END IF;

    -- What a platform operator's request switches to. The role alone gives nothing: its policies demand his token.
    IF to_regrole('tenancy_platform') IS NULL THEN
        CREATE ROLE tenancy_platform NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
    END IF;

    -- What the service connects as. Owner of nothing.
    IF to_regrole('tenancy_api') IS NULL THEN
        CREATE ROLE tenancy_api LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;
    END IF;

    -- What the command line connects as, to issue and revoke tokens and to seed.
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

-- Not inherited: tenancy_platform's rights act only after SET LOCAL ROLE, never by accident.
GRANT tenancy_platform TO tenancy_api, tenancy_operator WITH INHERIT FALSE, SET TRUE;

-- Nothing for PUBLIC: no connection, no temporary tables (one could shadow a table that a function reads), no schema.
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

-- No DO blocks and no functions but the owner's. Managed server: only a superuser may revoke this; then it warns, and
-- what remains is that the service's role can run a DO block, with no more rights than its plain SQL has.
REVOKE ALL ON LANGUAGE sql, plpgsql FROM PUBLIC;
GRANT USAGE ON LANGUAGE sql, plpgsql TO tenancy_owner;

-- Every role may change its own defaults, and PostgreSQL has no way to forbid it: SQL injected into the service could
-- have done so, to stop it (row_security = off, a timeout of 1 ms). Running this script again undoes all of that.
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

-- Names resolve to the catalogue alone; everything of ours is written with its schema.
ALTER ROLE tenancy_api SET search_path = pg_catalog;
ALTER ROLE tenancy_operator SET search_path = pg_catalog;

-- Off, as a server or a database may have it, makes PostgreSQL refuse every statement that a policy would filter.
ALTER ROLE tenancy_api SET row_security = on;
ALTER ROLE tenancy_operator SET row_security = on;

-- A statement or a lock that hangs, or a transaction left open, gives its connection back. The service cannot wait longer.
ALTER ROLE tenancy_api SET statement_timeout = '5s';
ALTER ROLE tenancy_api SET lock_timeout = '2s';
ALTER ROLE tenancy_api SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE tenancy_api SET transaction_timeout = '15s';

-- The planner keeps no statistics of tenants' rows and takes every organisation for a small one: it would read all of a
-- large one and sort it. At this price an ordered index scan, which stops at the end of a page, is never dearer.
ALTER ROLE tenancy_api SET random_page_cost = 1;
ALTER ROLE tenancy_operator SET random_page_cost = 1;

-- Parameters carry tokens. They belong neither in the log of a failed statement nor, below, in any log or view.
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

-- `mtdb check` verifies that the planner keeps no statistics of tenants' rows: of which columns there are any, not what
-- they say. A right on the catalogue also makes PostgreSQL refuse DROP OWNED BY CURRENT_USER, which would take away the
-- policies that name the role. Managed server: only a superuser may grant this.
DO $statistics$
BEGIN
    GRANT SELECT (starelid, staattnum) ON pg_catalog.pg_statistic TO tenancy_api, tenancy_platform, tenancy_operator;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE WARNING 'not a superuser: `mtdb check` cannot see which statistics the planner keeps';
END
$statistics$;

-- A dump does not carry what PUBLIC has lost on the row types of tables: after a restore it is taken again.
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

"""Rules for functions: the schema's, and all SECURITY DEFINER functions that a service role may execute."""

from sqlalchemy import text

from multi_tenant_db.lint.rule import Rule

FUNCTION_SEARCH_PATH = Rule(
    "function-search-path",
    "Without a fixed search_path that ends in pg_temp, the caller can redirect the names in a function and so change "
    "what it does with its owner's privileges.",
    text("""
        SELECT function.oid::regprocedure::text AS place,
               format(
                   'ALTER %s %s SET search_path = pg_catalog, pg_temp',
                   CASE function.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END,
                   function.oid::regprocedure
               ) AS remedy
        FROM pg_catalog.pg_proc AS function
        JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = function.pronamespace
        WHERE function.prokind IN ('f', 'p', 'w')
          AND CASE
                  WHEN namespace.nspname IN ('tenancy', 'tenancy_private') THEN
                      'search_path=pg_catalog, pg_temp' <> ALL (coalesce(function.proconfig, '{}'))
                  ELSE
                      namespace.nspname NOT IN ('pg_catalog', 'information_schema')
                      AND function.prosecdef
                      AND EXISTS (
                          SELECT
                          FROM unnest(CAST(:service_roles AS name[])) AS role (name)
                          WHERE has_function_privilege(role.name, function.oid, 'EXECUTE')
                      )
                      AND NOT EXISTS (
                          SELECT
                          FROM unnest(function.proconfig) AS setting
                          WHERE setting ~ '^search_path=.*pg_temp$'
                      )
              END
    """),
)

FUNCTION_EXECUTABLE_BY_PUBLIC = Rule(
    "function-executable-by-public",
    "Every role of the server may execute it; PostgreSQL grants that by default.",
    text("""
        SELECT function.oid::regprocedure::text AS place,
               format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', function.oid::regprocedure) AS remedy
        FROM pg_catalog.pg_proc AS function
        JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = function.pronamespace
        CROSS JOIN LATERAL aclexplode(coalesce(function.proacl, acldefault('f', function.proowner))) AS granted
        WHERE granted.grantee = 0
          AND (
              namespace.nspname IN ('tenancy', 'tenancy_private')
              OR (function.prosecdef AND namespace.nspname NOT IN ('pg_catalog', 'information_schema'))
          )
    """),
)

FUNCTION_IMMUTABLE_IN_POLICY = Rule(
    "function-immutable-in-policy",
    "An IMMUTABLE function in a policy is evaluated once for a cached plan, which then shows one caller's rows to the "
    "next.",
    text("""
        SELECT DISTINCT function.oid::regprocedure::text AS place,
               format('ALTER FUNCTION %s STABLE', function.oid::regprocedure) AS remedy
        FROM pg_catalog.pg_depend AS dependency
        JOIN pg_catalog.pg_policy AS policy ON policy.oid = dependency.objid
        JOIN pg_catalog.pg_proc AS function ON function.oid = dependency.refobjid
        WHERE dependency.classid = 'pg_catalog.pg_policy'::regclass
          AND dependency.refclassid = 'pg_catalog.pg_proc'::regclass
          AND policy.polrelid = ANY (CAST(:tenant_tables AS oid[]))
          AND function.provolatile = 'i'
          AND function.oid::regprocedure::text <> 'tenancy.policies_come_first()'  -- the same for every caller
    """),
)

FUNCTION_LEAKPROOF = Rule(
    "function-leakproof",
    "PostgreSQL may call a LEAKPROOF function before it evaluates the policies, so the function sees hidden rows.",
    text("""
        SELECT function.oid::regprocedure::text AS place,
               format('ALTER FUNCTION %s NOT LEAKPROOF', function.oid::regprocedure) AS remedy
        FROM pg_catalog.pg_proc AS function
        JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = function.pronamespace
        WHERE function.proleakproof
          AND namespace.nspname NOT IN ('pg_catalog', 'information_schema')
    """),
)

FUNCTION_PLANNED = Rule(
    "function-not-planned",
    "tenancy.policies_come_first() has to be evaluated while a statement is planned: later it does not keep a query's "
    "conditions behind the policies, and EXPLAIN ANALYZE reveals the content of hidden rows.",
    text("""
        SELECT function.oid::regprocedure::text AS place,
               format('ALTER FUNCTION %s IMMUTABLE', function.oid::regprocedure) AS remedy
        FROM pg_catalog.pg_proc AS function
        WHERE function.proname = 'policies_come_first'
          AND function.pronamespace::regnamespace::text = 'tenancy'
          AND function.provolatile <> 'i'
    """),
)

FUNCTION_RULES = (
    FUNCTION_SEARCH_PATH,
    FUNCTION_EXECUTABLE_BY_PUBLIC,
    FUNCTION_IMMUTABLE_IN_POLICY,
    FUNCTION_LEAKPROOF,
    FUNCTION_PLANNED,
)

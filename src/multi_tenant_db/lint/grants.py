"""Rules for grants: none to PUBLIC, none that bypass policies, none on whole tables for writes, none on private."""

from sqlalchemy import text

from multi_tenant_db.lint.rule import Rule

GRANT_TO_PUBLIC = Rule(
    "grant-to-public",
    "PUBLIC is every role of the server, including roles created later.",
    text("""
        WITH acl (kind, name, items) AS (
            SELECT 'DATABASE', quote_ident(database.datname), coalesce(datacl, acldefault('d', datdba))
            FROM pg_catalog.pg_database AS database
            WHERE database.datname = current_database()
            UNION ALL
            SELECT 'SCHEMA', quote_ident(namespace.nspname), namespace.nspacl
            FROM pg_catalog.pg_namespace AS namespace
            WHERE namespace.nspname IN ('public', 'tenancy', 'tenancy_private')
            UNION ALL
            SELECT CASE class.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                   class.oid::regclass::text,
                   privileges.items
            FROM pg_catalog.pg_class AS class
            JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
            CROSS JOIN LATERAL (
                SELECT class.relacl
                UNION ALL
                SELECT attribute.attacl
                FROM pg_catalog.pg_attribute AS attribute
                WHERE attribute.attrelid = class.oid
            ) AS privileges (items)
            WHERE class.oid = ANY (CAST(:tenant_tables AS oid[]))
               OR namespace.nspname IN ('tenancy', 'tenancy_private')
            UNION ALL
            SELECT 'TYPE', type.oid::regtype::text, coalesce(type.typacl, acldefault('T', type.typowner))
            FROM pg_catalog.pg_type AS type
            JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = type.typnamespace
            WHERE namespace.nspname IN ('tenancy', 'tenancy_private')
              AND type.typcategory <> 'A'
        )
        SELECT format('%s on %s %s', string_agg(DISTINCT granted.privilege_type, ', '), lower(acl.kind), acl.name)
                   AS place,
               format('REVOKE ALL ON %s %s FROM PUBLIC', acl.kind, acl.name) AS remedy
        FROM acl
        CROSS JOIN LATERAL aclexplode(acl.items) AS granted
        WHERE granted.grantee = 0
        GROUP BY acl.kind, acl.name
    """),
)

GRANT_PAST_POLICIES = Rule(
    "grant-past-policies",
    "Policies do not restrict TRUNCATE, REFERENCES, TRIGGER and MAINTAIN: they empty the table, reveal whether a "
    "hidden row exists, or see every row.",
    text("""
        SELECT format('%s on %s for %s', granted.privilege_type, class.oid::regclass, role.rolname) AS place,
               format('REVOKE %s ON %s FROM %I', granted.privilege_type, class.oid::regclass, role.rolname) AS remedy
        FROM pg_catalog.pg_class AS class
        CROSS JOIN LATERAL (
            SELECT class.relacl
            UNION ALL
            SELECT attribute.attacl
            FROM pg_catalog.pg_attribute AS attribute
            WHERE attribute.attrelid = class.oid
        ) AS acl (items)
        CROSS JOIN LATERAL aclexplode(acl.items) AS granted
        JOIN pg_catalog.pg_roles AS role ON role.oid = granted.grantee
        WHERE class.oid = ANY (CAST(:tenant_tables AS oid[]))
          AND granted.grantee <> class.relowner
          AND granted.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN')
    """),
)

GRANT_TABLE_WIDE = Rule(
    "grant-table-wide",
    "A caller could write every column, including the tenant's key, the version, the times and columns added later: "
    "grant on columns instead.",
    text("""
        SELECT format('%s on %s for %s', granted.privilege_type, class.oid::regclass, role.rolname) AS place,
               format(
                   'REVOKE %1$s ON %2$s FROM %3$I; GRANT %1$s (<columns>) ON %2$s TO %3$I',
                   granted.privilege_type,
                   class.oid::regclass,
                   role.rolname
               ) AS remedy
        FROM pg_catalog.pg_class AS class
        CROSS JOIN LATERAL aclexplode(class.relacl) AS granted
        JOIN pg_catalog.pg_roles AS role ON role.oid = granted.grantee
        WHERE class.oid = ANY (CAST(:tenant_tables AS oid[]))
          AND granted.grantee <> class.relowner
          AND granted.privilege_type IN ('INSERT', 'UPDATE')
    """),
)

GRANT_ON_PRIVATE = Rule(
    "grant-on-private",
    "Only the owner's functions may use tenancy_private: another role could read the tokens' hashes or call the "
    "internal functions.",
    text("""
        WITH acl (kind, name, owner, items) AS (
            SELECT 'SCHEMA', quote_ident(namespace.nspname), namespace.nspowner, namespace.nspacl
            FROM pg_catalog.pg_namespace AS namespace
            WHERE namespace.nspname = 'tenancy_private'
            UNION ALL
            SELECT CASE class.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                   class.oid::regclass::text,
                   class.relowner,
                   privileges.items
            FROM pg_catalog.pg_class AS class
            JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
            CROSS JOIN LATERAL (
                SELECT class.relacl
                UNION ALL
                SELECT attribute.attacl
                FROM pg_catalog.pg_attribute AS attribute
                WHERE attribute.attrelid = class.oid
            ) AS privileges (items)
            WHERE namespace.nspname = 'tenancy_private'
            UNION ALL
            SELECT 'ROUTINE', function.oid::regprocedure::text, function.proowner, function.proacl
            FROM pg_catalog.pg_proc AS function
            JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = function.pronamespace
            WHERE namespace.nspname = 'tenancy_private'
        )
        SELECT DISTINCT
               format('%s on %s %s for %s', granted.privilege_type, lower(acl.kind), acl.name, role.rolname) AS place,
               format('REVOKE ALL ON %s %s FROM %I', acl.kind, acl.name, role.rolname) AS remedy
        FROM acl
        CROSS JOIN LATERAL aclexplode(acl.items) AS granted
        JOIN pg_catalog.pg_roles AS role ON role.oid = granted.grantee
        WHERE granted.grantee <> acl.owner
    """),
)

GRANT_UNEXPECTED = Rule(
    "grant-unexpected",
    "No migration grants this privilege on a table of this schema; the service does not need it.",
    text("""
        SELECT format('%s on %s for %s', found.privilege, class.oid::regclass, role.rolname) AS place,
               format('REVOKE %s ON %s FROM %I', found.privilege, class.oid::regclass, role.rolname) AS remedy
        FROM pg_catalog.pg_class AS class
        CROSS JOIN LATERAL (
            SELECT granted.grantee, granted.privilege_type
            FROM aclexplode(class.relacl) AS granted
            WHERE granted.privilege_type IN ('SELECT', 'DELETE')
               OR (granted.privilege_type IN ('UPDATE', 'TRUNCATE') AND granted.grantee = class.relowner)
            UNION ALL
            SELECT granted.grantee, format('%s (%I)', granted.privilege_type, attribute.attname)
            FROM pg_catalog.pg_attribute AS attribute
            CROSS JOIN LATERAL aclexplode(attribute.attacl) AS granted
            WHERE attribute.attrelid = class.oid
        ) AS found (grantee, privilege)
        JOIN pg_catalog.pg_roles AS role ON role.oid = found.grantee
        WHERE class.oid::regclass::text IN (
                  SELECT expected.table_name
                  FROM jsonb_to_recordset(CAST(:expected_grants AS jsonb)) AS expected (table_name text)
              )
          AND NOT EXISTS (
              SELECT
              FROM jsonb_to_recordset(CAST(:expected_grants AS jsonb)) AS
                   expected (table_name text, role_name text, privilege text)
              WHERE expected.table_name = class.oid::regclass::text
                AND expected.role_name = role.rolname
                AND expected.privilege = found.privilege
          )
    """),
)

GRANT_WITH_GRANT_OPTION = Rule(
    "grant-with-grant-option",
    "A role with the grant option can grant the privilege to others, without a migration.",
    text("""
        SELECT DISTINCT
               format('%s on %s for %s', granted.privilege_type, class.oid::regclass, role.rolname) AS place,
               format(
                   'REVOKE GRANT OPTION FOR %s ON %s FROM %I',
                   granted.privilege_type,
                   class.oid::regclass,
                   role.rolname
               ) AS remedy
        FROM pg_catalog.pg_class AS class
        CROSS JOIN LATERAL (
            SELECT class.relacl
            UNION ALL
            SELECT attribute.attacl
            FROM pg_catalog.pg_attribute AS attribute
            WHERE attribute.attrelid = class.oid
        ) AS acl (items)
        CROSS JOIN LATERAL aclexplode(acl.items) AS granted
        JOIN pg_catalog.pg_roles AS role ON role.oid = granted.grantee
        WHERE class.oid = ANY (CAST(:tenant_tables AS oid[]))
          AND granted.grantee <> class.relowner
          AND granted.is_grantable
    """),
)

RIGHT_TO_CREATE = Rule(
    "right-to-create",
    "A role that creates objects can make functions and operators that others call, or a table that hides another.",
    text("""
        SELECT format('%s may create in schema %I', role.name, namespace.nspname) AS place,
               format('REVOKE CREATE ON SCHEMA %I FROM %I, PUBLIC', namespace.nspname, role.name) AS remedy
        FROM unnest(CAST(:service_roles AS name[])) AS role (name)
        CROSS JOIN pg_catalog.pg_namespace AS namespace
        WHERE namespace.nspname !~ '^pg_(toast_)?temp_'
          AND has_schema_privilege(role.name, namespace.oid, 'CREATE')
        UNION ALL
        SELECT format('%s may create schemas in the database', role.name),
               format('REVOKE CREATE ON DATABASE %I FROM %I, PUBLIC', current_database(), role.name)
        FROM unnest(CAST(:service_roles AS name[])) AS role (name)
        WHERE has_database_privilege(role.name, current_database(), 'CREATE')
    """),
)

RIGHT_TO_TEMPORARY_TABLES = Rule(
    "right-to-temporary-tables",
    "A temporary table hides a table of the same name from every function whose search_path does not end in pg_temp.",
    text("""
        SELECT format('%s may make temporary tables', role.name) AS place,
               format('REVOKE TEMPORARY ON DATABASE %I FROM %I, PUBLIC', current_database(), role.name) AS remedy
        FROM unnest(CAST(:service_roles AS name[])) AS role (name)
        WHERE has_database_privilege(role.name, current_database(), 'TEMPORARY')
    """),
)

GRANT_RULES = (
    GRANT_TO_PUBLIC,
    GRANT_PAST_POLICIES,
    GRANT_TABLE_WIDE,
    GRANT_ON_PRIVATE,
    GRANT_UNEXPECTED,
    GRANT_WITH_GRANT_OPTION,
    RIGHT_TO_CREATE,
    RIGHT_TO_TEMPORARY_TABLES,
)

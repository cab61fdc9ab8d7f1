"""Rules for the four roles and for ownership: as created by create_roles.sql, without additions."""

from sqlalchemy import text

from multi_tenant_db.lint.rule import Rule

ROLE_ATTRIBUTE = Rule(
    "role-attribute",
    "The attribute bypasses policies, allows creating roles that do, or allows logging in as a NOLOGIN role.",
    text("""
        SELECT format('%s has %s', role.rolname, attribute.name) AS place,
               format('ALTER ROLE %I NO%s', role.rolname, attribute.name) AS remedy
        FROM pg_catalog.pg_roles AS role
        CROSS JOIN LATERAL (
            VALUES
                ('SUPERUSER', role.rolsuper),
                ('BYPASSRLS', role.rolbypassrls),
                ('CREATEROLE', role.rolcreaterole),
                ('CREATEDB', role.rolcreatedb),
                ('REPLICATION', role.rolreplication),
                ('LOGIN', role.rolcanlogin AND role.rolname IN ('tenancy_owner', 'tenancy_platform'))
        ) AS attribute (name, is_set)
        WHERE role.rolname = ANY (CAST(:all_roles AS name[]))
          AND attribute.is_set
    """),
)

ROLE_MEMBERSHIP = Rule(
    "role-membership",
    "A member has the privileges of the role: only switching to tenancy_platform, without inheritance, is allowed.",
    text("""
        SELECT format('%s is a member of %s', member.rolname, role.rolname) AS place,
               CASE
                   WHEN role.rolname = 'tenancy_platform' AND member.rolname IN ('tenancy_api', 'tenancy_operator') THEN
                       format('GRANT %I TO %I WITH INHERIT FALSE, SET TRUE, ADMIN FALSE', role.rolname, member.rolname)
                   ELSE
                       format('REVOKE %I FROM %I', role.rolname, member.rolname)
               END AS remedy
        FROM pg_catalog.pg_auth_members AS membership
        JOIN pg_catalog.pg_roles AS role ON role.oid = membership.roleid
        JOIN pg_catalog.pg_roles AS member ON member.oid = membership.member
        WHERE member.rolname = ANY (CAST(:all_roles AS name[]))
          AND NOT (
              role.rolname = 'tenancy_platform'
              AND member.rolname IN ('tenancy_api', 'tenancy_operator')
              AND membership.set_option
              AND NOT membership.inherit_option
              AND NOT membership.admin_option
          )
    """),
)

ROLE_DEFAULT = Rule(
    "role-default",
    "A role's default, with which every session begins, differs from create_roles.sql: names may resolve elsewhere, a "
    "limit may be missing, tokens may reach the log, or the service may fail.",
    text("""
        WITH expected AS (
            SELECT *
            FROM jsonb_to_recordset(CAST(:expected_defaults AS jsonb)) AS
                 expected (role_name text, name text, value text, is_optional boolean)
        ),
        found AS (
            SELECT coalesce(role.rolname, 'every role') AS role_name,
                   split_part(setting.text, '=', 1) AS name,
                   substring(setting.text FROM position('=' IN setting.text) + 1) AS value
            FROM pg_catalog.pg_db_role_setting AS defaults
            CROSS JOIN unnest(defaults.setconfig) AS setting (text)
            LEFT JOIN pg_catalog.pg_roles AS role ON role.oid = defaults.setrole
            WHERE (role.rolname = ANY (CAST(:all_roles AS name[])) OR defaults.setrole = 0)
              AND defaults.setdatabase IN (
                  0,
                  (
                      SELECT database.oid
                      FROM pg_catalog.pg_database AS database
                      WHERE database.datname = current_database()
                  )
              )
        )
        SELECT format('%s of %s is %s', name, role_name, coalesce(found.value, 'not set')) AS place,
               CASE role_name
                   WHEN 'every role' THEN format('ALTER DATABASE %I RESET %s', current_database(), name)
                   ELSE 'run `mtdb migrate`, which sets the defaults of the roles again'
               END AS remedy
        FROM expected
        FULL JOIN found USING (role_name, name)
        WHERE CASE expected.value
                  WHEN 'a limit' THEN coalesce(found.value, '0') ~ '^0[a-z]*$'
                  ELSE expected.value IS DISTINCT FROM found.value
              END
          AND NOT (found.value IS NULL AND expected.is_optional)
          AND (
              expected.name IS NOT NULL
              OR name = ANY (CAST(:dangerous_defaults AS text[]))
              OR name LIKE 'app.%'
          )
    """),
)

OWNER_UNEXPECTED = Rule(
    "owner-unexpected",
    "The owner can drop a table's policies and replace a function that runs with the owner's privileges: all objects "
    "must belong to tenancy_owner, which cannot log in.",
    text("""
        SELECT format('%s belongs to %s', object.name, role.rolname) AS place,
               format('ALTER %s %s OWNER TO tenancy_owner', object.kind, object.name) AS remedy
        FROM (
            SELECT 'SCHEMA', quote_ident(namespace.nspname), namespace.nspowner
            FROM pg_catalog.pg_namespace AS namespace
            WHERE namespace.nspname IN ('tenancy', 'tenancy_private')
            UNION ALL
            SELECT CASE class.relkind
                       WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE'
                   END,
                   class.oid::regclass::text,
                   class.relowner
            FROM pg_catalog.pg_class AS class
            JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
            WHERE namespace.nspname IN ('tenancy', 'tenancy_private')
              AND class.relkind NOT IN ('i', 'I', 'c')
            UNION ALL
            SELECT 'ROUTINE', function.oid::regprocedure::text, function.proowner
            FROM pg_catalog.pg_proc AS function
            JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = function.pronamespace
            WHERE namespace.nspname IN ('tenancy', 'tenancy_private')
              AND function.prosecdef
        ) AS object (kind, name, owner)
        JOIN pg_catalog.pg_roles AS role ON role.oid = object.owner
        WHERE role.rolname <> 'tenancy_owner'
    """),
)

ROLE_RULES = (ROLE_ATTRIBUTE, ROLE_MEMBERSHIP, ROLE_DEFAULT, OWNER_UNEXPECTED)

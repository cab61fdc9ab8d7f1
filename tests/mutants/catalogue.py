"""What the database's catalogue says of everything of ours: two of these show what a mutant has changed."""

import asyncpg

CATALOGUE = """
    WITH ours AS (
        SELECT oid, nspname
        FROM pg_namespace
        WHERE nspname IN ('public', 'tenancy', 'tenancy_private')
    ),
    tables AS (
        SELECT oid::regclass::text AS name, pg_class.*
        FROM pg_class
        WHERE relkind = 'r' AND relnamespace IN (SELECT oid FROM ours)
    )
    SELECT 'table ' || name, concat_ws(' ', relowner::regrole, relrowsecurity, relforcerowsecurity, relacl)
    FROM tables
    UNION ALL
    SELECT format('column %s.%s', name, attname), concat_ws(' ', attacl, attstattarget)
    FROM pg_attribute
    JOIN tables ON tables.oid = attrelid
    WHERE attnum > 0
    UNION ALL
    SELECT format('index column %s.%s', attrelid::regclass, attname), attstattarget::text
    FROM pg_attribute
    JOIN pg_index ON indexrelid = attrelid
    JOIN tables ON tables.oid = indrelid
    UNION ALL
    SELECT 'statistics ' || stxname, pg_get_statisticsobjdef(pg_statistic_ext.oid)
    FROM pg_statistic_ext
    JOIN tables ON tables.oid = stxrelid
    UNION ALL
    SELECT format('policy %s', polname),
           concat_ws(' ', name, polcmd, polroles::regrole[], pg_get_expr(polqual, polrelid), '|',
                     pg_get_expr(polwithcheck, polrelid))
    FROM pg_policy
    JOIN tables ON tables.oid = polrelid
    UNION ALL
    SELECT 'constraint ' || conname, pg_get_constraintdef(pg_constraint.oid)
    FROM pg_constraint
    JOIN tables ON tables.oid = conrelid
    UNION ALL
    SELECT 'index ' || indexrelid::regclass, pg_get_indexdef(indexrelid)
    FROM pg_index
    JOIN tables ON tables.oid = indrelid
    WHERE indexrelid NOT IN (SELECT conindid FROM pg_constraint)
    UNION ALL
    SELECT 'trigger ' || tgname, concat_ws(' ', pg_get_triggerdef(pg_trigger.oid), tgenabled)
    FROM pg_trigger
    JOIN tables ON tables.oid = tgrelid
    WHERE NOT tgisinternal
    UNION ALL
    SELECT 'function ' || oid::regprocedure, concat_ws(' ', proowner::regrole, pg_get_functiondef(oid), proacl)
    FROM pg_proc
    WHERE pronamespace IN (SELECT oid FROM ours)
    UNION ALL
    SELECT 'schema ' || nspname, nspacl::text
    FROM pg_namespace
    WHERE oid IN (SELECT oid FROM ours)
    UNION ALL
    SELECT 'language ' || lanname, lanacl::text
    FROM pg_language
    UNION ALL
    SELECT 'the database', datacl::text
    FROM pg_database
    WHERE datname = current_database()
    UNION ALL
    SELECT 'role ' || rolname, concat_ws(' ', rolsuper, rolbypassrls, rolcreaterole, rolconfig)
    FROM pg_roles
    WHERE rolname LIKE 'tenancy%'
    UNION ALL
    SELECT format('defaults for %s, "%s"', defaclrole::regrole, defaclobjtype), defaclacl::text
    FROM pg_default_acl
    UNION ALL
    SELECT format('membership of %s in %s', member::regrole, roleid::regrole),
           concat_ws(' ', inherit_option, set_option, admin_option)
    FROM pg_auth_members
"""


async def catalogue(admin: asyncpg.Connection) -> dict[str, str]:
    """Return everything of ours with its definition."""
    return dict(await admin.fetch(CATALOGUE))


def difference(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return the names of what was added, removed or changed."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))

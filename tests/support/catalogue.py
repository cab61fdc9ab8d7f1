"""Everything PostgreSQL's catalogues say about our objects, as text that can be compared."""

import asyncpg

ACL = "ARRAY(SELECT item::text FROM unnest(coalesce({column}, acldefault('{kind}', {owner}))) AS item ORDER BY 1)"
"""NULL means PostgreSQL's defaults; a grant that came and went leaves them written out."""

PARTS = {
    "schemas": "('public', 'tenancy', 'tenancy_private')",
    "relacl": ACL.format(column="relacl", kind="r", owner="relowner"),
    "proacl": ACL.format(column="proacl", kind="f", owner="proowner"),
    "typacl": ACL.format(column="typacl", kind="T", owner="typowner"),
}

QUERIES = {
    "schema": """
        SELECT nspname, nspowner::regrole, nspacl, obj_description(oid, 'pg_namespace')
        FROM pg_namespace
        WHERE nspname !~ '^(pg_|information_schema)'
    """,
    "relation": """
        SELECT oid::regclass, relkind, relowner::regrole, {relacl}, relrowsecurity, relforcerowsecurity,
               relpersistence, reloptions, relreplident, obj_description(oid, 'pg_class')
        FROM pg_class
        WHERE relnamespace::regnamespace::text IN {schemas}
    """,
    "column": """
        SELECT attrelid::regclass, row_number() OVER (PARTITION BY attrelid ORDER BY attnum), attname,
               format_type(atttypid, atttypmod), attnotnull, attgenerated,
               attidentity, attcollation::regcollation, attacl, attstattarget, pg_get_expr(adbin, adrelid),
               col_description(attrelid, attnum)
        FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace::regnamespace::text IN {schemas}
          AND attnum > 0
          AND NOT attisdropped
    """,
    "constraint": """
        SELECT conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated,
               obj_description(oid, 'pg_constraint')
        FROM pg_constraint
        WHERE connamespace::regnamespace::text IN {schemas}
          AND contype <> 'n'  -- from 18 on; the columns above tell, without the name that a rename leaves behind
    """,
    "index": """
        SELECT indexrelid::regclass, pg_get_indexdef(indexrelid), indisvalid
        FROM pg_index
        JOIN pg_class ON pg_class.oid = indexrelid
        WHERE relnamespace::regnamespace::text IN {schemas}
    """,
    "function": """
        SELECT oid::regprocedure, pg_get_functiondef(oid), proowner::regrole, {proacl}, obj_description(oid, 'pg_proc')
        FROM pg_proc
        WHERE pronamespace::regnamespace::text IN {schemas}
    """,
    "policy": """
        SELECT polrelid::regclass, polname, polcmd, polpermissive, polroles::regrole[], pg_get_expr(polqual, polrelid),
               pg_get_expr(polwithcheck, polrelid)
        FROM pg_policy
    """,
    "trigger": """
        SELECT tgrelid::regclass, tgname, tgenabled, pg_get_triggerdef(oid)
        FROM pg_trigger
        WHERE NOT tgisinternal
    """,
    "type": """
        SELECT oid::regtype, typtype, typowner::regrole, {typacl},
               ARRAY(SELECT enumlabel FROM pg_enum WHERE enumtypid = pg_type.oid ORDER BY enumsortorder)
        FROM pg_type
        WHERE typnamespace::regnamespace::text IN {schemas}
    """,
    "default privilege": """
        SELECT defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, defaclacl
        FROM pg_default_acl
    """,
    "database": """
        SELECT datacl
        FROM pg_database
        WHERE datname = current_database()
    """,
    "event trigger": "SELECT evtname FROM pg_event_trigger",
    "extension": "SELECT extname FROM pg_extension",
}


async def describe(as_admin: asyncpg.Connection) -> list[str]:
    """Return one line for each object and each of its properties, sorted."""
    await as_admin.execute("SET search_path = pg_catalog")
    lines = []
    for kind, query in QUERIES.items():
        rows = await as_admin.fetch(f"SELECT row::text FROM ({query.format(**PARTS)}) AS row")
        lines += [f"{kind}: {row['row']}" for row in rows]
    return sorted(lines)

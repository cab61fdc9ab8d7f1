"""Every grant in the catalogues, and the properties of every function of ours."""

import asyncpg
import pytest

from tests.support.further_tables import FURTHER_GRANTS

API, OPERATOR, OWNER, PLATFORM = "tenancy_api", "tenancy_operator", "tenancy_owner", "tenancy_platform"

CALLER_FUNCTIONS = (
    "tenancy.current_organization_id()",
    "tenancy.current_tenant_id()",
    "tenancy.first_tenant_id_in_reach()",
    "tenancy.first_organization_id_in_reach()",
    "tenancy.first_writable_organization_id()",
    "tenancy.has_quota(uuid)",
    "tenancy.is_platform_operator()",
    "tenancy.last_tenant_id_in_reach()",
    "tenancy.max_subsidiaries(uuid)",
    "tenancy.writable_organization_id()",
    "tenancy.writable_tenant_id()",
    "tenancy.uuid_v7()",
)
OPERATOR_FUNCTIONS = (
    "tenancy.issue_platform_operator_token(bytea,text,interval)",
    "tenancy.issue_platform_operator_token(bytea,text,interval,boolean)",
    "tenancy.issue_tenant_token(bytea,uuid,uuid,text,interval)",
    "tenancy.issue_tenant_token(bytea,uuid,uuid,text,interval,boolean)",
    "tenancy.issue_view_token(bytea,uuid,uuid,text,interval,boolean)",
    "tenancy.list_quotas()",
    "tenancy.list_tokens()",
    "tenancy.list_tokens(boolean,integer)",
    "tenancy.list_tokens(uuid,uuid,boolean,integer,uuid)",
    "tenancy.purge_tokens(integer)",
    "tenancy.remove_quota(uuid)",
    "tenancy.revoke_token(uuid)",
    "tenancy.revoke_tokens(uuid,uuid)",
    "tenancy.rotate_token(uuid,bytea,interval,interval)",
    "tenancy.set_quota(uuid,integer)",
)
REQUEST_FUNCTIONS = ("tenancy.begin_request(text,bytea)", "tenancy.finish_request(text,jsonb)")
PRIVATE_FUNCTIONS = (
    "tenancy_private.as_record(tenancy_private.access_tokens)",
    "tenancy_private.caller_tenant_id()",
    "tenancy_private.current_access_token()",
    "tenancy_private.find_quota(uuid)",
    "tenancy_private.follow_access_token(bytea)",
)
LISTS = [name for name in OPERATOR_FUNCTIONS if name.startswith("tenancy.list_")]
READING_FUNCTIONS = {*CALLER_FUNCTIONS[:-1], *PRIVATE_FUNCTIONS, *LISTS, "tenancy.reach_in_shadow()"}
PLANNED = "tenancy.policies_come_first()"
"""Is evaluated while a statement is planned, so IMMUTABLE; it reads nothing of the caller."""

ORDINARY_FUNCTIONS = {
    *PRIVATE_FUNCTIONS,
    "tenancy_private.forget_the_expired(integer)",
    "tenancy.uuid_v7()",
    PLANNED,
    "tenancy.stamp_update()",
    "tenancy_private.fill_in_organization()",
    "tenancy_private.refuse_truncation()",
    "tenancy_private.refuse_while_moving()",
    "tenancy_private.keep_quotas()",
    "tenancy_private.wait_for_creations()",
    "tenancy.passes_in_shadow(text,regclass,text)",
    "tenancy.protect_tenant_table(regclass,text[],text[],boolean)",
    "tenancy.unprotect_tenant_table(regclass)",
    "tenancy_private.create_reach_policy(regclass,name,text,regrole)",
}
"""Functions that run with their caller's rights; the others are SECURITY DEFINER."""

EXPECTED = {
    *(("database", "this", role, "CONNECT") for role in (API, OPERATOR, OWNER)),
    ("database", "this", OWNER, "CREATE"),
    ("schema", "public", API, "USAGE"),
    ("schema", "public", OWNER, "USAGE"),
    ("schema", "public", OWNER, "CREATE"),
    *(("schema", "tenancy", role, "USAGE") for role in (API, OPERATOR, PLATFORM)),
    *(("language", name, OWNER, "USAGE") for name in ("sql", "plpgsql")),
    ("relation", "public.alembic_version", API, "SELECT"),
    ("relation", "public.compatible_revisions", API, "SELECT"),
    *(("relation", "tenancy.tenants", role, verb) for role in (API, PLATFORM) for verb in ("SELECT", "DELETE")),
    *(
        ("column", f"tenancy.tenants.{column}", role, "INSERT")
        for role in (API, PLATFORM)
        for column in ("tenant_type", "parent_tenant_id", "name", "metadata")
    ),
    *(
        ("column", f"tenancy.tenants.{column}", role, "UPDATE")
        for role in (API, PLATFORM)
        for column in ("name", "metadata")
    ),
    *(("relation", "tenancy.tenant_events", role, "SELECT") for role in (API, PLATFORM)),
    *(
        ("function", name, role, "EXECUTE")
        for name in (*CALLER_FUNCTIONS, *REQUEST_FUNCTIONS, PLANNED)
        for role in (API, PLATFORM)
    ),
    *(("function", "tenancy.sign_in(text,text)", role, "EXECUTE") for role in (API, OPERATOR)),
    *(("function", name, OPERATOR, "EXECUTE") for name in OPERATOR_FUNCTIONS),
    *((kind, name, role, verb) for kind, name, verb in FURTHER_GRANTS for role in (API, PLATFORM)),
}
"""Every privilege of a role on an object that it does not own."""

GRANTS = """
    WITH acl (kind, name, owner, items) AS (
        SELECT 'database', 'this'::text, datdba, coalesce(datacl, acldefault('d', datdba))
        FROM pg_database
        WHERE datname = current_database()
        UNION ALL
        SELECT 'schema', nspname, nspowner, coalesce(nspacl, acldefault('n', nspowner))
        FROM pg_namespace
        WHERE nspname IN ('public', 'tenancy', 'tenancy_private')
        UNION ALL
        SELECT 'language', lanname, lanowner, coalesce(lanacl, acldefault('l', lanowner))
        FROM pg_language
        WHERE lanpltrusted
        UNION ALL
        SELECT 'relation', nspname || '.' || relname, relowner,
               coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, relowner))
        FROM pg_class
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname IN ('public', 'tenancy', 'tenancy_private')
          AND relkind NOT IN ('i', 'I', 'c')
        UNION ALL
        SELECT 'column', nspname || '.' || relname || '.' || attname, relowner, attacl
        FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname IN ('public', 'tenancy', 'tenancy_private')
        UNION ALL
        SELECT 'function', pg_proc.oid::regprocedure::text, proowner, coalesce(proacl, acldefault('f', proowner))
        FROM pg_proc
        JOIN pg_namespace ON pg_namespace.oid = pronamespace
        WHERE nspname IN ('public', 'tenancy', 'tenancy_private')
        UNION ALL
        SELECT 'type', pg_type.oid::regtype::text, typowner, coalesce(typacl, acldefault('T', typowner))
        FROM pg_type
        JOIN pg_namespace ON pg_namespace.oid = typnamespace
        WHERE nspname IN ('tenancy', 'tenancy_private')
          AND typcategory <> 'A'
          AND typrelid NOT IN (SELECT oid FROM pg_class WHERE relkind = 'r')
    )
    SELECT acl.kind, acl.name, coalesce(role.rolname, 'PUBLIC') AS grantee, item.privilege_type, item.is_grantable
    FROM acl
    CROSS JOIN LATERAL aclexplode(acl.items) AS item
    LEFT JOIN pg_roles AS role ON role.oid = item.grantee
    WHERE item.grantee <> acl.owner
"""

FUNCTIONS = """
    SELECT pg_proc.oid::regprocedure::text AS name, provolatile::text, proparallel::text, prosecdef, proleakproof,
           coalesce(proconfig, '{}') AS proconfig, proowner::regrole::text AS owner
    FROM pg_proc
    JOIN pg_namespace ON pg_namespace.oid = pronamespace
    WHERE nspname IN ('public', 'tenancy', 'tenancy_private')
"""


@pytest.fixture
async def functions(as_admin: asyncpg.Connection) -> dict[str, asyncpg.Record]:
    """Give what the catalogue says of every function that is not PostgreSQL's."""
    await as_admin.execute("SET search_path = pg_catalog")
    return {row["name"]: row for row in await as_admin.fetch(FUNCTIONS)}


async def test_the_grants_are_exactly_these(as_admin: asyncpg.Connection) -> None:
    """Each right on database, schemas, languages, tables, columns, functions and types is one of the list."""
    await as_admin.execute("SET search_path = pg_catalog")
    rows = await as_admin.fetch(GRANTS)

    assert {(row["kind"], row["name"], row["grantee"], row["privilege_type"]) for row in rows} == EXPECTED
    assert not [row for row in rows if row["is_grantable"]]


async def test_public_has_nothing(as_admin: asyncpg.Connection) -> None:
    """No object of ours, not even the schema public or the database, gives PUBLIC any right."""
    rows = await as_admin.fetch(GRANTS)

    assert rows
    assert [row for row in rows if row["grantee"] == "PUBLIC"] == []


async def test_public_may_not_use_the_row_types(as_admin: asyncpg.Connection) -> None:
    """The row type that comes with a table is granted to no role, though PostgreSQL grants it to PUBLIC."""
    rows = await as_admin.fetch("""
        SELECT pg_type.oid::regtype::text AS name, (aclexplode(coalesce(typacl, acldefault('T', typowner)))).grantee
        FROM pg_type
        JOIN pg_class ON pg_class.oid = typrelid
        WHERE relnamespace::regnamespace::text IN ('tenancy', 'tenancy_private')
          AND relkind = 'r'
    """)

    assert rows
    assert [row["name"] for row in rows if row["grantee"] == 0] == []


async def test_new_functions_and_types_give_public_nothing(as_admin: asyncpg.Connection) -> None:
    """New objects of the owner are granted to no other role until a migration grants them."""
    rows = await as_admin.fetch("""
        SELECT defaclobjtype::text, defaclnamespace::regnamespace::text AS schema, defaclacl::text
        FROM pg_default_acl
        WHERE defaclrole = 'tenancy_owner'::regrole
    """)

    assert {(row["defaclobjtype"], row["schema"], row["defaclacl"]) for row in rows} == {
        ("f", "-", "{tenancy_owner=X/tenancy_owner}"),
        ("T", "-", "{tenancy_owner=U/tenancy_owner}"),
    }


async def test_the_roles_have_no_power(as_admin: asyncpg.Connection) -> None:
    """No role is a superuser, skips policies, makes databases or roles, or replicates; two of the four log in."""
    rows = await as_admin.fetch("""
        SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication
        FROM pg_roles
        WHERE rolname LIKE 'tenancy\\_%'
    """)

    may_log_in = {API: True, OPERATOR: True, OWNER: False, PLATFORM: False}
    assert {row["rolname"]: tuple(row.values())[1:] for row in rows} == {
        role: (login, False, False, False, False, False) for role, login in may_log_in.items()
    }


async def test_the_memberships_are_exactly_these(as_admin: asyncpg.Connection) -> None:
    """The two login roles may switch to tenancy_platform and inherit nothing from it; none may become the owner."""
    rows = await as_admin.fetch("""
        SELECT member::regrole::text, roleid::regrole::text, inherit_option, set_option, admin_option
        FROM pg_auth_members
        WHERE member::regrole::text LIKE 'tenancy\\_%' OR roleid::regrole::text LIKE 'tenancy\\_%'
    """)

    assert {tuple(row.values()) for row in rows} == {(role, PLATFORM, False, True, False) for role in (API, OPERATOR)}


async def test_every_object_belongs_to_the_owner(as_admin: asyncpg.Connection) -> None:
    """Schemas, tables, indexes, types and functions of ours are tenancy_owner's, who cannot log in."""
    rows = await as_admin.fetch("""
        SELECT nspname, nspowner::regrole::text AS owner
        FROM pg_namespace
        WHERE nspname IN ('tenancy', 'tenancy_private')
        UNION ALL
        SELECT relname, relowner::regrole::text
        FROM pg_class
        WHERE relnamespace::regnamespace::text IN ('public', 'tenancy', 'tenancy_private')
        UNION ALL
        SELECT typname, typowner::regrole::text
        FROM pg_type
        WHERE typnamespace::regnamespace::text IN ('public', 'tenancy', 'tenancy_private')
        UNION ALL
        SELECT proname, proowner::regrole::text
        FROM pg_proc
        WHERE pronamespace::regnamespace::text IN ('public', 'tenancy', 'tenancy_private')
    """)

    assert {"tenancy", "tenants", "access_tokens", "tenant_type", "sign_in"} <= {row["nspname"] for row in rows}
    assert [row for row in rows if row["owner"] != OWNER] == []


async def test_every_function_is_one_we_know(functions: dict[str, asyncpg.Record]) -> None:
    """There is no function beside those whose grants and properties are tested here."""
    assert set(functions) == {
        *CALLER_FUNCTIONS,
        *OPERATOR_FUNCTIONS,
        *REQUEST_FUNCTIONS,
        *ORDINARY_FUNCTIONS,
        "tenancy.reach_in_shadow()",
        "tenancy.sign_in(text,text)",
        "tenancy_private.look_up_organization()",
        "tenancy_private.record_row_event()",
        "tenancy_private.remember_organization()",
    }


async def test_every_function_has_a_fixed_search_path(functions: dict[str, asyncpg.Record]) -> None:
    """No caller's search_path decides what a function of ours reads; temporary objects come last."""
    assert all("search_path=pg_catalog, pg_temp" in row["proconfig"] for row in functions.values())


async def test_functions_run_with_the_rights_they_need(functions: dict[str, asyncpg.Record]) -> None:
    """A function runs as tenancy_owner exactly where it reads or writes for a role that may not."""
    assert {name for name, row in functions.items() if not row["prosecdef"]} == ORDINARY_FUNCTIONS


async def test_functions_that_read_are_stable_and_stay_in_the_leader(functions: dict[str, asyncpg.Record]) -> None:
    """What reads is STABLE and PARALLEL RESTRICTED, since workers have no context; none is LEAKPROOF, one IMMUTABLE."""
    assert {name for name, row in functions.items() if row["provolatile"] == "s"} == READING_FUNCTIONS
    assert {functions[name]["proparallel"] for name in READING_FUNCTIONS} == {"r"}
    assert [name for name, row in functions.items() if row["provolatile"] == "i"] == [PLANNED]
    assert not [name for name, row in functions.items() if row["proleakproof"]]

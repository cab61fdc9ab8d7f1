"""Rules for the connected role, of any name: policies must apply to the role that the service uses."""

from sqlalchemy import text

from multi_tenant_db.lint.rule import Rule

CONNECTED_AS_SUPERUSER = Rule(
    "connected-as-superuser",
    "Policies do not apply to superusers.",
    text("""
        SELECT format('%s is a superuser', role.rolname) AS place, 'connect as tenancy_api' AS remedy
        FROM pg_catalog.pg_roles AS role
        WHERE role.rolname = current_user
          AND role.rolsuper
    """),
)

CONNECTED_WITH_BYPASSRLS = Rule(
    "connected-with-bypassrls",
    "Policies do not apply to roles with BYPASSRLS.",
    text("""
        SELECT format('%s has BYPASSRLS', role.rolname) AS place, 'connect as tenancy_api' AS remedy
        FROM pg_catalog.pg_roles AS role
        WHERE role.rolname = current_user
          AND role.rolbypassrls
    """),
)

CONNECTED_WITH_CREATEROLE = Rule(
    "connected-with-createrole",
    "A role with CREATEROLE can create roles with other privileges.",
    text("""
        SELECT format('%s has CREATEROLE', role.rolname) AS place, 'connect as tenancy_api' AS remedy
        FROM pg_catalog.pg_roles AS role
        WHERE role.rolname = current_user
          AND role.rolcreaterole
    """),
)

CONNECTED_WITH_A_DETOUR = Rule(
    "connected-with-a-detour",
    "The role can switch to a role to which policies do not apply.",
    text("""
        SELECT format('%s can switch to %s', role.rolname, other.rolname) AS place, 'connect as tenancy_api' AS remedy
        FROM pg_catalog.pg_roles AS role
        JOIN pg_catalog.pg_roles AS other ON other.oid <> role.oid
        WHERE role.rolname = current_user
          AND NOT role.rolsuper
          AND (other.rolsuper OR other.rolbypassrls)
          AND pg_has_role(other.oid, 'MEMBER')
    """),
)

CONNECTED_AS_OWNER = Rule(
    "connected-as-owner",
    "A role that can switch to tenancy_owner can drop policies.",
    text("""
        SELECT format('%s can switch to tenancy_owner', current_user) AS place, 'connect as tenancy_api' AS remedy
        WHERE pg_has_role('tenancy_owner', 'MEMBER')
    """),
)

CONNECTED_AS_OPERATOR = Rule(
    "connected-as-operator",
    "A role that can switch to tenancy_operator can issue tokens for every tenant.",
    text("""
        SELECT format('%s can switch to tenancy_operator', current_user) AS place, 'connect as tenancy_api' AS remedy
        WHERE pg_has_role('tenancy_operator', 'MEMBER')
    """),
)

CONNECTED_OWNS_TABLE = Rule(
    "connected-owns-table",
    "The owner of a table can drop its policies.",
    text("""
        SELECT format('%s owns %s', current_user, class.oid::regclass) AS place, 'connect as tenancy_api' AS remedy
        FROM pg_catalog.pg_class AS class
        JOIN pg_catalog.pg_roles AS role ON role.oid = class.relowner
        JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = class.relnamespace
        WHERE role.rolname = current_user
          AND class.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND (
              class.oid = ANY (CAST(:tenant_tables AS oid[]))
              OR namespace.nspname IN ('tenancy', 'tenancy_private', 'public')
          )
    """),
)

CONNECTION_RULES = (
    CONNECTED_AS_SUPERUSER,
    CONNECTED_WITH_BYPASSRLS,
    CONNECTED_WITH_CREATEROLE,
    CONNECTED_WITH_A_DETOUR,
    CONNECTED_AS_OWNER,
    CONNECTED_AS_OPERATOR,
    CONNECTED_OWNS_TABLE,
)

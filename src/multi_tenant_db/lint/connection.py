"""Rules for the role that is connected, whatever its name: what the service runs as must not be above the policies."""

from sqlalchemy import text

from multi_tenant_db.lint.rule import Rule

CONNECTED_AS_SUPERUSER = Rule(
    "connected-as-superuser",
    "No policy binds a superuser.",
    text("""
        SELECT format('%s is a superuser', role.rolname) AS place, 'connect as tenancy_api' AS remedy
        FROM pg_catalog.pg_roles AS role
        WHERE role.rolname = current_user
          AND role.rolsuper
    """),
)

CONNECTED_WITH_BYPASSRLS = Rule(
    "connected-with-bypassrls",
    "No policy binds a role with BYPASSRLS.",
    text("""
        SELECT format('%s has BYPASSRLS', role.rolname) AS place, 'connect as tenancy_api' AS remedy
        FROM pg_catalog.pg_roles AS role
        WHERE role.rolname = current_user
          AND role.rolbypassrls
    """),
)

CONNECTED_WITH_CREATEROLE = Rule(
    "connected-with-createrole",
    "A role with CREATEROLE makes itself roles with other rights.",
    text("""
        SELECT format('%s has CREATEROLE', role.rolname) AS place, 'connect as tenancy_api' AS remedy
        FROM pg_catalog.pg_roles AS role
        WHERE role.rolname = current_user
          AND role.rolcreaterole
    """),
)

CONNECTED_WITH_A_DETOUR = Rule(
    "connected-with-a-detour",
    "The role may become one that no policy binds.",
    text("""
        SELECT format('%s may become %s', role.rolname, other.rolname) AS place, 'connect as tenancy_api' AS remedy
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
    "Whoever may become tenancy_owner may drop policies.",
    text("""
        SELECT format('%s may become tenancy_owner', current_user) AS place, 'connect as tenancy_api' AS remedy
        WHERE pg_has_role('tenancy_owner', 'MEMBER')
    """),
)

CONNECTED_AS_OPERATOR = Rule(
    "connected-as-operator",
    "Whoever may become tenancy_operator may issue tokens for every tenant.",
    text("""
        SELECT format('%s may become tenancy_operator', current_user) AS place, 'connect as tenancy_api' AS remedy
        WHERE pg_has_role('tenancy_operator', 'MEMBER')
    """),
)

CONNECTED_OWNS_TABLE = Rule(
    "connected-owns-table",
    "An owner may drop the policies of his table.",
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

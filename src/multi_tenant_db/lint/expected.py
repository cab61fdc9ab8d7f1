"""The policies, grants and role defaults that a database of this version must have.

Conditions are written as PostgreSQL prints them. A migration that changes one of these must change this file.
"""

from multi_tenant_db.lint.expected_policy import ExpectedPolicy

API, OPERATOR, OWNER, PLATFORM = "tenancy_api", "tenancy_operator", "tenancy_owner", "tenancy_platform"

SERVICE_ROLES = [API, OPERATOR, PLATFORM]
"""The roles that policies and grants must restrict."""

ALL_ROLES = [*SERVICE_ROLES, OWNER]

NO_TENANT_DATA = ["public.alembic_version", "public.compatible_revisions"]
"""Tables without tenant data that the roles may read: add a table here instead of creating an open policy."""

TENANTS, EVENTS = "tenancy.tenants", "tenancy.tenant_events"
TOKENS, REQUESTS = "tenancy_private.access_tokens", "tenancy_private.idempotency_keys"
MOVED_TOKENS, QUOTAS = "tenancy_private.moved_tokens", "tenancy_private.quotas"
ORGANIZATIONS = "tenancy_private.organizations_of_tenants"

COUNTING_INDEXES = ["tenancy.tenants_parents", "tenancy.tenants_subsidiaries"]
"""Partial indexes whose number of entries may be public: the total numbers of parents and subsidiaries."""

IN_ORDER = "tenancy.policies_come_first()"
"""Is evaluated when a statement is planned; the planner then evaluates no condition of a query before a policy."""


def _in_reach(tenant: str) -> str:
    """Has no cost, so it is the first of a policy's conditions to be evaluated."""
    return (
        "((JSON_OBJECT(organization_id : 1, tenant_id : 1 RETURNING jsonb))"
        f"[( SELECT (tenancy.{tenant}())::text AS {tenant})] IS NOT NULL)"
    )


def _is_any(column: str, operator: str, function: str) -> str:
    return f"({column} {operator} ANY (ARRAY[( SELECT tenancy.{function}() AS {function})]))"


def _reach(tenant: str, organization: str) -> str:
    return (
        f"({_in_reach(tenant)} AND {_is_any('organization_id', '=', organization)}"
        f" AND {_is_any('tenant_id', '>=', 'first_tenant_id_in_reach')}"
        f" AND {_is_any('tenant_id', '<=', 'last_tenant_id_in_reach')}"
        f" AND {IN_ORDER})"
    )


def _operators_reach(first: str) -> str:
    return (
        f"((( SELECT tenancy.{first}() AS {first}) IS NOT NULL)"
        f" AND {_is_any('organization_id', '>=', first)}"
        f" AND {IN_ORDER})"
    )


REACH = _reach("current_tenant_id", "current_organization_id")
WRITABLE_REACH = _reach("writable_tenant_id", "writable_organization_id")
UNDER_ITSELF = (
    "((organization_id = ( SELECT tenancy.writable_organization_id() AS writable_organization_id))"
    " AND (parent_tenant_id = ( SELECT tenancy.writable_tenant_id() AS writable_tenant_id)))"
)
ITS_SUBSIDIARIES = (
    f"({_in_reach('writable_tenant_id')} AND {_is_any('organization_id', '=', 'writable_organization_id')}"
    f" AND {_is_any('parent_tenant_id', '=', 'writable_tenant_id')} AND {IN_ORDER})"
)
OPERATORS_REACH = _operators_reach("first_organization_id_in_reach")
OPERATORS_WRITABLE_REACH = _operators_reach("first_writable_organization_id")
IS_OPERATOR = "( SELECT tenancy.is_platform_operator() AS is_platform_operator)"
MAY_WRITE_ALL = "(( SELECT tenancy.first_writable_organization_id() AS first_writable_organization_id) IS NOT NULL)"


POLICIES = [
    ExpectedPolicy(TENANTS, "SELECT", API, "a_tenant_sees_itself_and_its_subsidiaries", condition=REACH),
    ExpectedPolicy(TENANTS, "INSERT", API, "a_parent_adds_subsidiaries_under_itself", check_condition=UNDER_ITSELF),
    ExpectedPolicy(
        TENANTS,
        "UPDATE",
        API,
        "a_tenant_updates_itself_and_its_subsidiaries",
        condition=WRITABLE_REACH,
        check_condition=REACH,
    ),
    ExpectedPolicy(TENANTS, "DELETE", API, "a_parent_deletes_its_subsidiaries", condition=ITS_SUBSIDIARIES),
    ExpectedPolicy(TENANTS, "SELECT", PLATFORM, "a_platform_operator_sees_all", condition=OPERATORS_REACH),
    ExpectedPolicy(TENANTS, "INSERT", PLATFORM, "a_platform_operator_adds_any", check_condition=MAY_WRITE_ALL),
    ExpectedPolicy(
        TENANTS,
        "UPDATE",
        PLATFORM,
        "a_platform_operator_updates_all",
        condition=OPERATORS_WRITABLE_REACH,
        check_condition=IS_OPERATOR,
    ),
    ExpectedPolicy(TENANTS, "DELETE", PLATFORM, "a_platform_operator_deletes_any", condition=OPERATORS_WRITABLE_REACH),
    ExpectedPolicy(EVENTS, "SELECT", API, "a_tenant_sees_events_of_itself_and_its_subsidiaries", condition=REACH),
    ExpectedPolicy(EVENTS, "SELECT", PLATFORM, "a_platform_operator_sees_all_events", condition=OPERATORS_REACH),
    ExpectedPolicy(EVENTS, "INSERT", OWNER, "the_trigger_adds_events", check_condition="true"),
    ExpectedPolicy(TOKENS, "ALL", OWNER, "only_the_owner_reaches_tokens", condition="true", check_condition="true"),
    ExpectedPolicy(REQUESTS, "ALL", OWNER, "only_the_owner_reaches_requests", condition="true", check_condition="true"),
    ExpectedPolicy(
        MOVED_TOKENS, "ALL", OWNER, "only_the_owner_reaches_moved_tokens", condition="true", check_condition="true"
    ),
    ExpectedPolicy(QUOTAS, "ALL", OWNER, "only_the_owner_reaches_quotas", condition="true", check_condition="true"),
    ExpectedPolicy(
        ORGANIZATIONS,
        "ALL",
        OWNER,
        "only_the_owner_reaches_organizations_of_tenants",
        condition="true",
        check_condition="true",
    ),
]

GRANTS = [
    {"table_name": table, "role_name": role, "privilege": privilege}
    for table, roles, privileges in (
        (
            TENANTS,
            (API, PLATFORM),
            (
                "SELECT",
                "DELETE",
                *(f"INSERT ({column})" for column in ("tenant_type", "parent_tenant_id", "name", "metadata")),
                *(f"UPDATE ({column})" for column in ("name", "metadata")),
            ),
        ),
        (TENANTS, (OWNER,), ("SELECT", "UPDATE", "DELETE", "TRUNCATE")),
        (EVENTS, (API, PLATFORM), ("SELECT",)),
    )
    for role in roles
    for privilege in privileges
]
"""The owner may do everything with the tenants, and only add events."""

LOGIN_DEFAULTS = {"search_path": "pg_catalog", "row_security": "on", "log_parameter_max_length_on_error": "0"}

DEFAULTS = [
    {"role_name": role, "name": name, "value": value, "is_optional": is_optional}
    for role, is_optional, values in (
        (API, False, LOGIN_DEFAULTS),
        (OPERATOR, False, LOGIN_DEFAULTS),
        # On a managed server only the provider can set these for a role.
        (API, True, {"log_parameter_max_length": "0", "track_activities": "off"}),
        (OPERATOR, True, {"log_parameter_max_length": "0", "track_activities": "off"}),
        # The administrator chooses the values, also for one database, but a limit is required.
        (API, False, dict.fromkeys(("statement_timeout", "lock_timeout"), "a limit")),
        (API, False, dict.fromkeys(("idle_in_transaction_session_timeout", "transaction_timeout"), "a limit")),
    )
    for name, value in values.items()
]

DANGEROUS_DEFAULTS = [
    "default_transaction_isolation",
    "default_transaction_read_only",
    "role",
    "row_security",
    "search_path",
    "session_authorization",
    "session_replication_role",
]
"""Settings for which no service role may have another default; all other settings are the administrator's choice."""

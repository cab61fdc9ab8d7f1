"""All rules, in the order in which findings are shown. Add a rule to the tuple of its module."""

from multi_tenant_db.lint.connection import CONNECTION_RULES
from multi_tenant_db.lint.events import EVENT_RULES
from multi_tenant_db.lint.functions import FUNCTION_RULES
from multi_tenant_db.lint.grants import GRANT_RULES
from multi_tenant_db.lint.policies import POLICY_RULES
from multi_tenant_db.lint.quotas import QUOTA_RULES
from multi_tenant_db.lint.roles import ROLE_RULES
from multi_tenant_db.lint.rule import Rule
from multi_tenant_db.lint.server import ROLES_MISSING, SERVER_RULES
from multi_tenant_db.lint.statistics import STATISTICS_RULES
from multi_tenant_db.lint.tables import TABLE_RULES

FIRST_RULE = ROLES_MISSING

RULES: tuple[Rule, ...] = (
    *CONNECTION_RULES,
    *TABLE_RULES,
    *STATISTICS_RULES,
    *POLICY_RULES,
    *GRANT_RULES,
    *FUNCTION_RULES,
    *EVENT_RULES,
    *QUOTA_RULES,
    *ROLE_RULES,
    *SERVER_RULES,
)

"""Two banking groups and every kind of caller."""

from dataclasses import dataclass
from uuid import UUID

from multi_tenant_db.testing.isolation_caller import IsolationCaller
from multi_tenant_db.testing.organization import Organization
from multi_tenant_db.testing.party import Party

FORGED_TOKEN = "mtdb_" + "A" * 43


@dataclass(frozen=True)
class TwoOrganizations:
    """Two parents with two subsidiaries each, and a platform operator, each with a valid token.

    The expired and the revoked token belong to the first parent.
    """

    first: Organization
    second: Organization
    operator: Party
    expired_token: str
    revoked_token: str

    @property
    def parties(self) -> list[Party]:
        """The six tenants."""
        return [*self.first.parties, *self.second.parties]

    @property
    def callers(self) -> list[IsolationCaller]:
        """Every kind of caller, with the tenants whose rows it may reach."""
        nothing: frozenset[UUID] = frozenset()
        parent = self.first.parent
        return [
            *(caller for organization in (self.first, self.second) for caller in _members(organization)),
            IsolationCaller("no token", None, nothing),
            IsolationCaller("a forged token", FORGED_TOKEN, nothing),
            IsolationCaller("an expired token", self.expired_token, nothing),
            IsolationCaller("a revoked token", self.revoked_token, nothing),
            IsolationCaller("the platform operator's token, as tenancy_api", self.operator.token, nothing),
            IsolationCaller(
                f"{parent.name}, as tenancy_platform",
                parent.token,
                nothing,
                as_platform=True,
                knows=frozenset({parent.tenant_id}),
            ),
            IsolationCaller("no token, as tenancy_platform", None, nothing, as_platform=True),
            IsolationCaller("the platform operator", self.operator.token, None, as_platform=True),
        ]


def _members(organization: Organization) -> list[IsolationCaller]:
    whole = frozenset(party.tenant_id for party in organization.parties)
    parent = organization.parent
    return [
        IsolationCaller(f"{parent.name} (parent)", parent.token, whole),
        *(
            IsolationCaller(
                f"{party.name} (subsidiary)",
                party.token,
                frozenset({party.tenant_id}),
                knows=frozenset({party.tenant_id, parent.tenant_id}),
            )
            for party in organization.subsidiaries
        ),
    ]

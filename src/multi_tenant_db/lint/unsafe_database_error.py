"""Why the service does not start."""

from multi_tenant_db.lint.finding import Finding


class UnsafeDatabaseError(Exception):
    """The database would not keep tenants apart; each danger names its remedy."""

    def __init__(self, dangers: list[Finding]) -> None:
        super().__init__("; ".join(map(str, dangers)))
        self.dangers = dangers

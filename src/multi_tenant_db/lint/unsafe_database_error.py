"""The error of a failed safety check."""

from multi_tenant_db.lint.finding import Finding


class UnsafeDatabaseError(Exception):
    """The database does not isolate tenants; each danger has a remedy."""

    def __init__(self, dangers: list[Finding]) -> None:
        super().__init__("; ".join(map(str, dangers)))
        self.dangers = dangers

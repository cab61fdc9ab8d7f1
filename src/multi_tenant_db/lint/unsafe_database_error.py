"""The error of a failed safety check."""

from multi_tenant_db.lint.finding import Finding


class UnsafeDatabaseError(Exception):
    """The database does not isolate tenants; each danger has a remedy. With several servers it names the server."""

    def __init__(self, dangers: list[Finding], server: str | None = None) -> None:
        self.dangers = dangers
        self.server = server
        super().__init__("; ".join(self.lines))

    @property
    def lines(self) -> list[str]:
        """Each danger in a line."""
        where = f"server {self.server}: " if self.server else ""
        return [f"{where}{danger}" for danger in self.dangers]

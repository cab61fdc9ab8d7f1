"""Why the service does not start."""


class UnsafeDatabaseError(Exception):
    """The database would not keep tenants apart; each danger names its remedy."""

    def __init__(self, dangers: list[str]) -> None:
        super().__init__("; ".join(dangers))
        self.dangers = dangers

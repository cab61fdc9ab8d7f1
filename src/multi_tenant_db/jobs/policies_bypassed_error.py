"""The work of a job would not be limited by the policies."""


class PoliciesBypassedError(Exception):
    """The role that a URL names bypasses row level security: a job of one organisation would reach all."""

    def __init__(self) -> None:
        super().__init__(
            "the database role bypasses row level security: "
            "give MTDB_DATABASE_URL (or MTDB_SERVERS__...) without a user, so that jobs connect as tenancy_api"
        )

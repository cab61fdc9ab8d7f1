"""The one error of the embedded PostgreSQL."""


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot do what was asked; the message, one line, says what to do about it."""

"""The error of the embedded PostgreSQL."""


class EmbeddedPostgresError(Exception):
    """An operation on the embedded PostgreSQL failed; the message is one line with a remedy."""

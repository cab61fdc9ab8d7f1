"""Why a connection is not given to the next caller."""


class LeftoverStatementsError(Exception):
    """The session holds prepared statements that the driver did not make: SQL was injected, look for where."""

"""Why a connection is not given to the next caller."""


class TamperedSessionError(Exception):
    """The session holds prepared statements that the driver did not make: SQL was injected, look for where."""

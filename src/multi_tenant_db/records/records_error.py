"""The error of an export, import, erasure or purge."""


class RecordsError(Exception):
    """Nothing was changed; the message is one line with a remedy."""

"""The end of a load."""


class LoadOver(Exception):
    """Raised where a client would send its next request, once it should send no more."""

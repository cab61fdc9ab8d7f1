"""The error of a step."""


class ProtectionError(Exception):
    """A step cannot be done; the message is one line with a remedy."""

"""The error of a move."""


class MoveError(Exception):
    """An organisation cannot be moved; the message is one line with a remedy."""

"""The error that ends a benchmark."""


class WrongResponseError(Exception):
    """A response differs from the expected one; the measurement is invalid."""

"""The error of an unusable application factory."""


class FactoryError(Exception):
    """The factory that `--app` names does not return an ASGI application."""

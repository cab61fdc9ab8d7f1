"""Why an application is not served."""


class FactoryError(Exception):
    """The factory that `--app` names does not return an ASGI application."""

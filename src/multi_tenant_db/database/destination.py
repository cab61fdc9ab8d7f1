"""Where a request's statements go."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine


class Destination:
    """The server of one request; `engine` is where its transaction begins."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    def follow(self, failure: DBAPIError) -> None:
        """Choose another server after a failure to sign in, or raise the failure: here there is no other."""
        raise failure

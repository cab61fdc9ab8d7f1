"""The query of an endpoint that has none."""

from pydantic import BaseModel, ConfigDict


class NoQuery(BaseModel):
    """No parameter; a client that sends one expects something that will not happen."""

    model_config = ConfigDict(extra="forbid")

"""The query of an endpoint that has none."""

from pydantic import BaseModel, ConfigDict


class NoQuery(BaseModel):
    """No parameters; unknown ones are refused instead of ignored."""

    model_config = ConfigDict(extra="forbid")

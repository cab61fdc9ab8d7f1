"""Optional parameters and members in the OpenAPI document."""

from dataclasses import dataclass

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


@dataclass(frozen=True)
class OptionalParameter:
    """Marks what is None when it is absent: there is no null in a header or a query, and none is sent in a member."""

    pattern: str | None = None
    """What else the document says of it."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the parameter as it is when it is there."""
        schema = handler(core_schema)
        described: JsonSchemaValue = schema.pop("anyOf")[0]
        return {**schema, **described, **({"pattern": self.pattern} if self.pattern else {})}

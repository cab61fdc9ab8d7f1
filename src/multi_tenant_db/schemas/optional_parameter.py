"""Optional parameters and members in the OpenAPI document."""

from dataclasses import dataclass

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


@dataclass(frozen=True)
class OptionalParameter:
    """Marks what is None when absent: headers and queries have no null, and absent members are not sent."""

    pattern: str | None = None
    """The pattern in the OpenAPI document."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the schema of the value without null."""
        schema = handler(core_schema)
        described: JsonSchemaValue = schema.pop("anyOf")[0]
        return {**schema, **described, **({"pattern": self.pattern} if self.pattern else {})}

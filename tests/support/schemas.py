"""The schemas of an OpenAPI document, which answers and examples are validated against."""

from typing import Any
from uuid import UUID

from jsonschema_rs import Draft202012Validator


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _is_utc_time(text: str) -> bool:
    return "T" in text and text.endswith("Z")


FORMATS = {"uuid": _is_uuid, "date-time": _is_utc_time}
"""Stricter than JSON Schema: the service writes lower-case UUIDs, and times in UTC only."""


class Schemas:
    """Validates values; an object with declared properties takes no other, and an unknown format is an error."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._components = _closed(document["components"])

    def violations(self, value: Any, schema: dict[str, Any]) -> list[str]:
        """Return what in the value violates a schema of the document."""
        validator = Draft202012Validator(
            {**_closed(schema), "components": self._components},
            formats=FORMATS,
            validate_formats=True,
            ignore_unknown_formats=False,
        )
        return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in validator.iter_errors(value)]


def _closed(element: Any) -> Any:
    """Return a copy in which every object schema refuses undeclared properties."""
    if isinstance(element, list):
        return [_closed(member) for member in element]
    if not isinstance(element, dict):
        return element
    copy = {name: _closed(member) for name, member in element.items()}
    return {"additionalProperties": False, **copy} if "properties" in copy else copy

"""As much of JSON Schema as the service's OpenAPI document uses; an unknown keyword is an error, never ignored."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

type Check = Callable[[Any, Any, dict[str, Any], str], list[str]]
"""Takes a value, the keyword's rule, the document and the place of the value; returns the violations."""

NOT_CHECKED = {"type", "title", "description", "examples", "default", "additionalProperties"}
"""The type is checked first; objects with declared properties are closed, others take any member."""

TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def violations(value: Any, schema: dict[str, Any], document: dict[str, Any], where: str = "") -> list[str]:
    """Return what of the value breaks the schema; references are looked up in the document."""
    if "type" in schema and not _is_of_type(value, schema["type"]):
        return [f"{where} is no {schema['type']}"]
    found: list[str] = []
    for keyword, rule in schema.items():
        assert keyword in CHECKS or keyword in NOT_CHECKED, f"the keyword {keyword} is not known here"
        if keyword in CHECKS:
            found += CHECKS[keyword](value, rule, document, where)
    return found


def resolve(reference: str, document: dict[str, Any]) -> dict[str, Any]:
    """Return what a local reference points to."""
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def _is_of_type(value: Any, name: str) -> bool:
    return isinstance(value, TYPES[name]) and not (name == "integer" and isinstance(value, bool))


def _check_reference(value: Any, reference: str, document: dict[str, Any], where: str) -> list[str]:
    return violations(value, resolve(reference, document), document, where)


def _check_choices(value: Any, choices: list[dict[str, Any]], document: dict[str, Any], where: str) -> list[str]:
    fits = any(not violations(value, choice, document, where) for choice in choices)
    return [] if fits else [f"{where} fits no choice"]


def _check_items(value: Any, schema: dict[str, Any], document: dict[str, Any], where: str) -> list[str]:
    return [found for n, item in enumerate(value) for found in violations(item, schema, document, f"{where}/{n}")]


def _check_properties(value: Any, properties: dict[str, Any], document: dict[str, Any], where: str) -> list[str]:
    undeclared = [f"{where}/{name} is not declared" for name in value if name not in properties]
    return undeclared + [
        found
        for name, schema in properties.items()
        if name in value
        for found in violations(value[name], schema, document, f"{where}/{name}")
    ]


def _check_required(value: Any, names: list[str], _: dict[str, Any], where: str) -> list[str]:
    return [f"{where}/{name} is missing" for name in names if name not in value]


def _check_enum(value: Any, members: list[Any], _: dict[str, Any], where: str) -> list[str]:
    return [] if value in members else [f"{where} is none of {members}"]


def _check_pattern(value: Any, pattern: str, _: dict[str, Any], where: str) -> list[str]:
    return [] if re.search(pattern, value) else [f"{where} does not fit {pattern}"]


def _check_names(value: Any, schema: dict[str, Any], document: dict[str, Any], where: str) -> list[str]:
    return [found for name in value for found in violations(name, schema, document, f"{where}/{name}")]


def _check_format(value: Any, name: str, _: dict[str, Any], where: str) -> list[str]:
    assert name in {"uuid", "date-time"}, f"the format {name} is not known here"
    holds = str(UUID(value)) == value if name == "uuid" else "T" in value and value.endswith("Z")
    return [] if holds else [f"{where} is no {name}"]


def _check_minimum(value: Any, limit: int, _: dict[str, Any], where: str) -> list[str]:
    return [] if (len(value) if isinstance(value, str) else value) >= limit else [f"{where} is below {limit}"]


def _check_maximum(value: Any, limit: int, _: dict[str, Any], where: str) -> list[str]:
    return [] if (len(value) if isinstance(value, str) else value) <= limit else [f"{where} is above {limit}"]


CHECKS: dict[str, Check] = {
    "pattern": _check_pattern,
    "propertyNames": _check_names,
    "$ref": _check_reference,
    "anyOf": _check_choices,
    "items": _check_items,
    "properties": _check_properties,
    "required": _check_required,
    "enum": _check_enum,
    "format": _check_format,
    "minimum": _check_minimum,
    "maximum": _check_maximum,
    "minLength": _check_minimum,
    "maxLength": _check_maximum,
}

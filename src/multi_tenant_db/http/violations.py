"""Validation messages in terms of HTTP and JSON; pydantic's use Python's terms."""

from collections.abc import Mapping
from typing import Any

MESSAGES = {
    "missing": "This is required",
    "extra_forbidden": "This member or parameter does not exist",
    "model_attributes_type": "Send a JSON object",
    "model_type": "Send a JSON object",
    "dict_type": "Send a JSON object",
    "list_type": "Send a JSON array",
    "string_type": "Send a string",
    "string_too_short": "Send at least {min_length} characters",
    "string_too_long": "Send at most {max_length} characters",
    "string_pattern_mismatch": "This contains characters that are not allowed",
    "string_unicode": "Send Unicode text",
    "enum": "Send {expected}",
    "literal_error": "Send {expected}",
    "uuid_type": "Send a UUID as a string",
    "uuid_parsing": "Send a UUID, as in 019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a",
    "int_type": "Send a whole number",
    "int_parsing": "Send a whole number",
    "int_parsing_size": "Send a smaller number",
    "int_from_float": "Send a whole number",
    "float_type": "Send a number",
    "bool_type": "Send true or false",
    "bool_parsing": "Send true or false",
    "greater_than_equal": "Send at least {ge}",
    "less_than_equal": "Send at most {le}",
}


def describe_violation(violation: Mapping[str, Any]) -> str:
    """Return the message for a violation: from MESSAGES, or the rule's own."""
    message = MESSAGES.get(violation["type"])
    return message.format(**violation.get("ctx", {})) if message else str(violation["msg"])

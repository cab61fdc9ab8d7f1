"""What is wrong with a request, in words of HTTP and JSON; pydantic's are those of Python."""

from collections.abc import Mapping
from typing import Any

WORDS = {
    "missing": "This is required",
    "extra_forbidden": "There is no such member or parameter",
    "model_attributes_type": "Send a JSON object",
    "model_type": "Send a JSON object",
    "dict_type": "Send a JSON object",
    "list_type": "Send a JSON array",
    "string_type": "Send a string",
    "string_too_short": "Send at least {min_length} characters",
    "string_too_long": "Send at most {max_length} characters",
    "string_pattern_mismatch": "There are characters that may not stand here",
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


def in_our_words(violation: Mapping[str, Any]) -> str:
    """Return what to do about a violation; for rules of our own, and of an adopter's, their own words."""
    words = WORDS.get(violation["type"])
    return words.format(**violation.get("ctx", {})) if words else str(violation["msg"])

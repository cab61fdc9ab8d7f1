"""An example of a value, for a request in the collection."""

from typing import Any

OF_A_FORMAT = {
    "uuid": "019a9f3e-5c1b-7d42-9a51-3f0c6f1e2b7a",
    "date": "2026-11-22",
    "date-time": "2026-11-22T09:00:00Z",
}
OF_A_TYPE: dict[str, Any] = {"string": "text", "integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}


def example_value(rules: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """Return the first example that the OpenAPI document gives of a value; without one, a value of its type."""
    for name in ("examples", "enum"):
        if rules.get(name):
            return rules[name][0]
    if "example" in rules or "default" in rules:
        return rules.get("example", rules.get("default"))
    if "$ref" in rules:
        return example_value(schemas[rules["$ref"].rpartition("/")[2]], schemas)
    if choices := rules.get("anyOf") or rules.get("oneOf") or rules.get("allOf"):
        return example_value(choices[0], schemas)
    if rules.get("format") in OF_A_FORMAT:
        return OF_A_FORMAT[rules["format"]]
    return OF_A_TYPE.get(rules.get("type", ""))

"""Output as two runs have it in common: JSON without its layout, and names in place of what every run makes anew."""

import json
import re
from collections.abc import Callable, Iterator

WIDTH = 116

CHANGING = re.compile(
    r"(?P<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)"
    r"|(?P<token>\bmtdb_[\w-]{43}(?![\w-]))"
    r"|(?P<time>\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00))"
    r"|(?P<date>\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)"
    r"|(?P<cursor>(?<![\w-])[\w-]{42}[AEIMQUYcgkosw048](?![\w-]))"
)


def normal_form(text: str) -> str:
    """Return the text so that only what must agree is left.

    Identifiers are numbered in the order of their appearance, so that the same one twice is the same name twice.
    """
    seen: dict[str, str] = {}

    def name(found: re.Match[str]) -> str:
        kind = found.lastgroup or ""
        return f"<{kind}>" if kind in {"time", "date"} else seen.setdefault(found[0], f"<{kind} {len(seen) + 1}>")

    return CHANGING.sub(name, "\n".join(_pieces(text, compact)))


def for_reading(text: str) -> str:
    """Return the text with its JSON laid out as documents show it."""
    return "".join(f"{piece}\n" for piece in _pieces(text, layout))


def compact(value: object) -> str:
    """Return JSON on one line; the order of the members counts."""
    return json.dumps(value, ensure_ascii=False)


def layout(value: object, indent: int = 0) -> str:
    """Return JSON that breaks lines only where a line would be too long."""
    flat = compact(value)
    if indent + len(flat) <= WIDTH or not isinstance(value, dict | list) or not value:
        return flat
    if isinstance(value, list):
        members = [layout(item, indent + 1) for item in value]
        opening, closing = "[", "]"
    else:
        members = [f"{compact(key)}: {layout(item, indent + len(key) + 5)}" for key, item in value.items()]
        opening, closing = "{", "}"
    lines = [members[0]]
    for member in members[1:]:
        joined = f"{lines[-1]}, {member}"
        if "\n" not in lines[-1] + member and indent + 2 + len(joined) <= WIDTH:
            lines[-1] = joined
        else:
            lines[-1] += ","
            lines.append(member)
    return opening + f"\n{' ' * (indent + 1)}".join(lines) + closing


def _pieces(text: str, write: Callable[[object], str]) -> Iterator[str]:
    """Yield each JSON value that begins a line, written anew, and each other line as it is."""
    decoder = json.JSONDecoder()
    while text:
        try:
            value, end = decoder.raw_decode(text) if text[0] in "{[" else (None, 0)
        except ValueError:
            value, end = None, 0
        if end:
            yield write(value)
            text = text[end:].removeprefix("\n")
        else:
            line, _, text = text.partition("\n")
            yield line.rstrip("\r")

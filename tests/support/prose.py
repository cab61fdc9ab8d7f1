"""What a file says to its reader: a document, docstrings and comments."""

import ast
import io
import re
import tokenize
from pathlib import Path

from tests.support.sources import parse

FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
"""A block of commands or code, which may name files that it makes."""
COMMENT = re.compile(r"^\s*(?:#|--)(.*)$", re.MULTILINE)
HAS_COMMENTS = {".sql", ".toml", ".yml", ".yaml", ".ini", ".mako", ""}
"""Files without a suffix are Makefile, Dockerfile and programs of the shell."""


def prose_of(path: Path) -> str:
    """Return the words of a file that are meant for people; none of a kind that holds no such words."""
    if path.suffix == ".md":
        return FENCE.sub("", path.read_text(encoding="utf-8"))
    if path.suffix == ".py":
        return _prose_of_python(path)
    return "\n".join(COMMENT.findall(path.read_text(encoding="utf-8"))) if path.suffix in HAS_COMMENTS else ""


def _prose_of_python(path: Path) -> str:
    """Return docstrings, also those below a constant, and comments."""
    strings = [
        node.value.value
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
    return "\n".join([*strings, *(token.string for token in tokens if token.type == tokenize.COMMENT)])

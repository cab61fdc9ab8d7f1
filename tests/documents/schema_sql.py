"""docs/schema.sql: the whole schema of a migrated database, from its catalogue, in an order that reads and runs."""

import re
from collections.abc import AsyncIterator, Iterable
from textwrap import dedent, indent, wrap

import asyncpg

from tests.documents.schema_catalogue import (
    COLUMNS,
    COMMENTS,
    CONSTRAINTS,
    DEFAULT_PRIVILEGES,
    FUNCTIONS,
    GRANTS,
    INDEXES,
    POLICIES,
    SCHEMAS,
    TABLES,
    TRIGGERS,
    TYPES,
)
from tests.documents.schema_essay import ESSAY

WIDTH = 118
BODY = re.compile(r"(AS \$(\w+)\$)(.*)(\$\2\$)\s*$", re.DOTALL)
Comments = dict[str, str]


async def schema_sql(connection: asyncpg.Connection) -> str:
    """Return the essay, then every object; equal catalogues give equal texts."""
    await connection.execute("SET search_path = pg_catalog; SET quote_all_identifiers = off")
    comments: Comments = {row["place"]: row["statement"] for row in await connection.fetch(COMMENTS)}
    functions = _in_order(await connection.fetch(FUNCTIONS))
    first = [function for function in functions if function["is_default"]]
    later = [function for function in functions if not function["is_default"]]
    parts = [
        ESSAY,
        _heading("Schemas"),
        *[f"{row['statement']}\n" for row in await connection.fetch(DEFAULT_PRIVILEGES)],
        *[_with(comments, row["place"], row["statement"]) for row in await connection.fetch(SCHEMAS)],
        _heading("Types"),
        *[f"{row['statement']}\n" for row in await connection.fetch(TYPES)],
        _heading("What columns are filled with"),
        *[_with(comments, function["place"], _function(function)) for function in first],
        *[part async for part in _tables(connection, comments)],
        _heading("Functions"),
        *[_with(comments, function["place"], _function(function)) for function in later],
        _heading("Triggers"),
        *[f"{row['statement']}\n" for row in await connection.fetch(TRIGGERS)],
        _heading("Policies"),
        *[_policy(row) for row in await connection.fetch(POLICIES)],
        _heading("Grants"),
        *_grants(await connection.fetch(GRANTS)),
    ]
    return "\n".join(parts).replace("timestamp with time zone", "timestamptz")


async def _tables(connection: asyncpg.Connection, comments: Comments) -> AsyncIterator[str]:
    columns = await connection.fetch(COLUMNS)
    constraints = await connection.fetch(CONSTRAINTS)
    indexes = await connection.fetch(INDEXES)
    for table in await connection.fetch(TABLES):
        name = table["name"]
        own = [column for column in columns if column["table_name"] == name]
        width = max(len(column["name"]) for column in own)
        lines = [f"{column['name']:{width}} {column['definition']}" for column in own]
        lines += [
            f"CONSTRAINT {row['name']}\n    {row['definition']}" for row in constraints if row["table_name"] == name
        ]
        text = [f"CREATE TABLE {name} (\n{indent(',\n'.join(lines), '    ')}\n);"]
        text += [row["statement"] for row in indexes if row["table_name"] == name]
        if unsampled := [column["name"] for column in own if column["is_unsampled"]]:
            text.append(_packed(f"ALTER TABLE {name}", [f"ALTER COLUMN {each} SET STATISTICS 0" for each in unsampled]))
        text += [table["settings"]] if table["settings"] else []
        places = [f"TABLE {name}", *(f"COLUMN {name}.{column['name']}" for column in own)]
        text += [comments[place] for place in places if place in comments]
        yield _heading(name) + "\n" + "\n".join(text) + "\n"


def _heading(title: str) -> str:
    return f"\n-- {title} {'-' * (WIDTH - len(title) - 4)}\n"


def _with(comments: Comments, place: str, statement: str) -> str:
    return "\n".join([statement, *([comments[place]] if place in comments else [])]) + "\n"


def _packed(begin: str, actions: list[str]) -> str:
    """Return a statement with as many actions on a line as it holds."""
    together = ", ".join(action.replace(" ", "\0") for action in actions)
    lines = wrap(together, WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    return "\n    ".join([begin, *lines]).replace("\0", " ") + ";"


def _grants(rows: list[asyncpg.Record]) -> list[str]:
    kinds = dict.fromkeys(row["kind"] for row in rows)
    return ["\n".join(row["statement"] for row in rows if row["kind"] == kind) + "\n" for kind in kinds]


def _in_order(functions: Iterable[asyncpg.Record]) -> list[asyncpg.Record]:
    """Return functions as they were created, but each behind those that its body names to the catalogue."""
    left, ordered = list(functions), list[asyncpg.Record]()
    while left:
        done = {function["id"] for function in ordered}
        following = next(function for function in left if done >= {*function["needs"]})
        ordered.append(following)
        left.remove(following)
    return ordered


def _function(function: asyncpg.Record) -> str:
    """Return the statement with its body moved to the margin."""
    text = function["statement"].replace("CREATE OR REPLACE ", "CREATE ", 1).rstrip()
    head, _, rest = text.partition("\n")
    if len(head) > WIDTH:
        name, _, arguments = head.removesuffix(")").partition("(")
        text = f"{name}(\n    {arguments.replace(', ', ',\n    ')}\n)\n{rest}"
    if body := BODY.search(text):
        return f"{text[: body.start()]}{body[1]}\n{dedent(body[3]).strip()}\n{body[4]};"
    return f"{text};"


def _policy(policy: asyncpg.Record) -> str:
    lines = [f"CREATE POLICY {policy['name']} ON {policy['table_name']}", f"FOR {policy['verb']} TO {policy['roles']}"]
    for word, condition in (("USING", policy["reached"]), ("WITH CHECK", policy["let_in"])):
        if condition:
            parts = [part.replace("( SELECT", "(SELECT") for part in _conjuncts(re.sub(r" AS \w+\)", ")", condition))]
            several = f"\n    {'\n    AND '.join(parts)}\n"
            lines.append(f"{word} ({several if parts[1:] else parts[0]})")
    return "\n".join(lines) + ";\n"


def _conjuncts(condition: str) -> list[str]:
    """Split at each AND that stands in no inner parentheses; the outer ones, and those around a part, go."""
    parts, depth, begin = list[str](), 0, 0
    inside = _without_parentheses(condition)
    for position, character in enumerate(inside):
        depth += (character in "([") - (character in ")]")
        if depth == 0 and inside.startswith(" AND ", position):
            parts.append(inside[begin:position])
            begin = position + len(" AND ")
    parts.append(inside[begin:])
    return [_without_parentheses(part) for part in parts]


def _without_parentheses(text: str) -> str:
    """Take the parentheses off a text that they enclose, but not off a query."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            is_enclosed = position == len(text) - 1 and text.startswith("(") and not text.startswith("( SELECT")
            return text[1:-1] if is_enclosed else text
    return text

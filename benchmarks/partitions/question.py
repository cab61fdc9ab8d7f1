"""A statement of one kind of caller."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """`rows` is how many the statement must return or change; `text` has a place for the table and for ids."""

    caller: str
    what: str
    text: str
    rows: int


BY_ID = "SELECT * FROM {table} WHERE tenant_id = {tenant_id}"
PAGE = "SELECT * FROM {table} ORDER BY organization_id, tenant_id LIMIT 11"
UPDATE = "UPDATE {table} SET name = name WHERE tenant_id = {tenant_id} RETURNING tenant_id"
PARENT, OPERATOR = "parent", "platform operator"
QUESTIONS = (
    Question(PARENT, "read by id", BY_ID, 1),
    Question(PARENT, "page", PAGE, 11),
    Question(PARENT, "update by id", UPDATE, 1),
    Question(OPERATOR, "read by id", BY_ID, 1),
    Question(OPERATOR, "read by id and organisation", BY_ID + " AND organization_id = {organization_id}", 1),
    Question(OPERATOR, "page", PAGE, 11),
)

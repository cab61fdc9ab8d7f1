"""A creation that is remembered under an Idempotency-Key, as the model knows it."""

from typing import Literal, NamedTuple
from uuid import UUID

type Owner = UUID | Literal["operator"]
type Key = tuple[Owner, str]
"""Whose key it is, and what it says."""


class ModelRequest(NamedTuple):
    """What was asked, and the id of the tenant that the answer tells; none before there is an answer."""

    asked: tuple[object, ...]
    answer: str | None = None

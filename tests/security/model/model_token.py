"""A token as the model knows it."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID


@dataclass(eq=False, slots=True)
class ModelToken:
    """A text that a caller may present; `holder` is the tenant it was issued to, None where it never was a token.

    A token is dead once it has expired or was revoked. Whether its tenant still stands, the forest says.
    """

    secret: str
    holder: UUID | Literal["operator"] | None
    dead: bool = False

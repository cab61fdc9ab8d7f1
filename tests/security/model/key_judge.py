"""The judge of Idempotency-Keys: a key belongs to its user, and identifies the first request it was used for."""

from collections.abc import Mapping
from enum import StrEnum

from tests.security.model.forest import Forest
from tests.security.model.model_request import Key, ModelRequest, Owner
from tests.security.model.model_token import ModelToken


class KeyVerdict(StrEnum):
    """What a key is to a caller that presents it with a request."""

    NEW = "new"
    SAME = "same"
    OTHER = "other"


def key_owner(forest: Forest, token: ModelToken | None) -> Owner | None:
    """Return the owner of the keys that a token uses: a tenant, all operators together, or none."""
    if token is None or token.dead or (token.holder != "operator" and token.holder not in forest):
        return None
    return token.holder


def judge_key(remembered: Mapping[Key, ModelRequest], key: Key, asked: tuple[object, ...]) -> KeyVerdict:
    """Return what the key is; keys of other owners with the same text do not count."""
    if key not in remembered:
        return KeyVerdict.NEW
    return KeyVerdict.SAME if remembered[key].asked == asked else KeyVerdict.OTHER

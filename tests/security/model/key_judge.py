"""The judge of Idempotency-Keys: a key is its user's alone, and stands for what it was first used for."""

from collections.abc import Mapping
from enum import StrEnum

from tests.security.model.forest import Forest
from tests.security.model.model_request import Key, ModelRequest, Owner
from tests.security.model.model_token import ModelToken


class KeyVerdict(StrEnum):
    """What a key is to whoever comes with it and a request."""

    NEW = "new"
    SAME = "same"
    OTHER = "other"


def key_owner(forest: Forest, token: ModelToken | None) -> Owner | None:
    """Say whose keys the presenter of a token uses: a tenant its own, operators common ones, nobody none."""
    if token is None or token.dead or (token.holder != "operator" and token.holder not in forest):
        return None
    return token.holder


def judge_key(remembered: Mapping[Key, ModelRequest], key: Key, asked: tuple[object, ...]) -> KeyVerdict:
    """Say what the key is; what others remember under the same text is none of its owner's business."""
    if key not in remembered:
        return KeyVerdict.NEW
    return KeyVerdict.SAME if remembered[key].asked == asked else KeyVerdict.OTHER

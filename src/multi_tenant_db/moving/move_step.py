"""The steps of a move."""

from enum import StrEnum


class MoveStep(StrEnum):
    """What has been done, in this order; a move that was interrupted after any of them goes on when run again."""

    CHECKED = "checked"
    PUBLISHED = "published"
    SUBSCRIBED = "subscribed"
    COPIED = "copied"
    REHEARSED = "rehearsed"
    FROZEN = "frozen"
    COMPARED = "compared"
    DETACHED = "detached"
    SWITCHED = "switched"
    """The point of no return: from here on the tokens are the target's."""
    ACTIVATED = "activated"
    UNSUBSCRIBED = "unsubscribed"
    DELETED = "deleted"
    FINISHED = "finished"

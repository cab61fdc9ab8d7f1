"""What a new token is issued with."""

from datetime import datetime, timedelta
from typing import TypedDict


class TokenTerms(TypedDict):
    """Its label, how long or until when it is valid, and whether it may write."""

    label: str
    lifetime: timedelta | datetime
    may_write: bool

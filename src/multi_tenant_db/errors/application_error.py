"""The base class of the service's errors."""

from collections.abc import Mapping
from typing import Any, ClassVar


class ApplicationError(Exception):
    """An error with an HTTP status and a stable code; one handler converts every kind to a problem document.

    `detail` states what to do next. It never names anything outside the caller's reach. Headers are for the
    HTTP layer alone.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    detail: ClassVar[str]
    retry_after_seconds: ClassVar[int | None] = None
    """When the same request may succeed; None if waiting does not help."""
    example_members: ClassVar[dict[str, Any]] = {}
    """Example values of further members, for the OpenAPI document."""

    def __init__(self, detail: str | None = None, *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail or self.detail)
        self.headers = dict(headers or {})
        self.members = members

"""A log that a test waits for."""

from typing import Any

import pytest

from tests.reliability.support.until import until


class RecordedLog:
    """Stands in for the logger of a module and keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    @classmethod
    def of(cls, module: str, monkeypatch: pytest.MonkeyPatch) -> "RecordedLog":
        """Record what a module of the service logs."""
        recorded = cls()
        monkeypatch.setattr(f"multi_tenant_db.{module}.log", recorded)
        return recorded

    def info(self, event: str, **fields: Any) -> None:
        """Keep a line; those of other levels too."""
        self.lines.append((event, fields))

    warning = error = exception = info

    async def until(self, event: str, **wanted: object) -> None:
        """Return when such a line was logged; a field holds the wanted text."""

        async def is_logged() -> bool:
            return any(
                logged == event and all(str(text) in str(fields.get(name)) for name, text in wanted.items())
                for logged, fields in self.lines
            )

        await until(is_logged, f"{event!r} is logged", 60)

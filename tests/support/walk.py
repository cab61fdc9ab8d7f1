"""Which files of the service a request enters, from a trace of the functions that run."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

import multi_tenant_db

PACKAGE = Path(multi_tenant_db.__file__).parent


class Walk:
    """The files in the order in which a request first enters them, and each direct call from one to another."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.calls: set[tuple[str, str]] = set()

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Record what runs in the block, in every task and greenlet."""
        tool, events = sys.monitoring.PROFILER_ID, sys.monitoring.events
        sys.monitoring.use_tool_id(tool, "walk")
        sys.monitoring.register_callback(tool, events.PY_START, self._note)
        sys.monitoring.set_events(tool, events.PY_START)
        try:
            yield
        finally:
            sys.monitoring.set_events(tool, events.NO_EVENTS)
            sys.monitoring.register_callback(tool, events.PY_START, None)
            sys.monitoring.free_tool_id(tool)

    def _note(self, code: CodeType, _offset: int) -> None:
        file = _file_of(code)
        if file is None:
            return
        if file not in self.files:
            self.files.append(file)
        frame: FrameType | None = sys._getframe(1).f_back
        caller = _file_of(frame.f_code) if frame else None
        if caller is not None and caller != file:
            self.calls.add((caller, file))


def _file_of(code: CodeType) -> str | None:
    path = Path(code.co_filename)
    return path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else None

"""Collects no coverage while tests run that ask another process: it would see nothing, and takes time.

pytest-cov's own `no_cover` stops the whole collection, which threads that are already there do not notice to begin
again; here only the main thread's trace function is put aside.
"""

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FOLDERS = {
    *("bad_input", "benchmarks", "browser", "clients", "limits", "reliability", "security"),
    *("documents", "examples", "house_rules"),
}
"""Of tests that ask a service in a process of its own, or the database; and of tests that read files."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Put the trace function aside for a test in these folders, or with the mark `untraced`."""
    tracer = sys.gettrace()
    if FOLDERS.isdisjoint(item.path.relative_to(TESTS).parts) and item.get_closest_marker("untraced") is None:
        return (yield)
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracer)

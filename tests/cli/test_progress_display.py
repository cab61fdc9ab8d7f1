"""How far a long command has come: a bar for people, lines for a log, nothing for a script."""

import io

import pytest
from rich.console import Console

from multi_tenant_db.cli import progress_display
from multi_tenant_db.cli.progress_display import SECONDS_BETWEEN_LINES, ProgressDisplay


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the hands of a clock that stands still until they are moved."""
    hands = [1_000.0]
    monkeypatch.setattr(progress_display, "monotonic", lambda: hands[0])
    return hands


def console(*, terminal: bool) -> Console:
    """Make a console whose output can be read."""
    return Console(file=io.StringIO(), force_terminal=terminal, width=120)


def printed(on: Console) -> str:
    """Return what a console was given."""
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


def test_a_terminal_shows_a_bar(clock: list[float]) -> None:
    """Name, share, time and the last step are shown, and in the end the bar is cleared away."""
    on = console(terminal=True)
    with ProgressDisplay(on) as display:
        advance = display.add_task("copying", 200)
        clock[0] += 60
        advance(50, "the first [part]")

    shown = printed(on)
    assert [word for word in ("copying", "25%", "0:01:00", "the first [part]") if word not in shown] == []
    assert shown.endswith("\x1b[2K")


def test_a_log_gets_a_line_now_and_then(clock: list[float]) -> None:
    """Elsewhere a line tells share, time and what is left, every quarter of a minute and at the end."""
    on = console(terminal=False)
    with ProgressDisplay(on) as display:
        advance = display.add_task("copying", 4)
        for step in range(4):
            clock[0] += SECONDS_BETWEEN_LINES if step == 1 else 1
            advance(1, f"part [{step}]")

    assert printed(on).splitlines() == [
        "copying: 50% in 0:00:16, left 0:00:16; part [1]",
        "copying: 100% in 0:00:18, left 0:00:00; part [3]",
    ]


def test_a_script_gets_nothing(clock: list[float]) -> None:
    """A quiet display prints nothing where no terminal is."""
    on = console(terminal=False)
    with ProgressDisplay(on, quiet=True) as display:
        advance = display.add_task("copying", 1)
        clock[0] += 100
        advance(1, "everything")

    assert printed(on) == ""

"""The progress of long commands on a terminal."""

import pytest

from multi_tenant_db.cli.transfer_progress import transfer_progress


def test_a_name_does_not_control_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Brackets in a table's name are no markup, and control characters are escaped."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    with transfer_progress("bytes") as progress:
        progress('tenancy."a[/b] \x1b]0;title\x07"', 3)
    shown = capsys.readouterr().err
    assert 'tenancy."a[/b] \\x1b]0;title\\x07"' in shown
    assert "\x07" not in shown

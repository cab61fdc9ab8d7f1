"""The alerts: real promtool shows when each fires, and each stands in the guide with what to do."""

import re
import subprocess

import pytest

from tests.support.known_metrics import OURS, unknown_names
from tests.support.programs import find_program, needs
from tests.support.sources import ROOT

RULES = (ROOT / "monitoring" / "alerts.yml").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "how-to" / "observability.md").read_text(encoding="utf-8")
TRIALS = ROOT / "tests" / "observability" / "alerts_test.yml"
ALERTS = {
    found["name"]: found
    for found in re.finditer(
        r"- alert: (?P<name>\w+)\n +expr: (?P<query>.+)\n +for: (?P<lasting>\w+)\n +labels: {severity: page}\n", RULES
    )
}


def promtool(*arguments: object) -> str:
    """Run promtool; what it does not accept is an error."""
    command = [str(find_program("promtool")), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_rule_is_read_here() -> None:
    """The other tests read every rule of the file."""
    assert len(ALERTS) == RULES.count("- alert:") == RULES.count("expr:") > 0


@pytest.mark.parametrize("name", ALERTS)
def test_a_rule_names_metrics_and_labels_that_exist(name: str) -> None:
    """A rule on a metric or a label that the service does not have would never fire."""
    query = ALERTS[name]["query"]
    assert unknown_names(query) == set()
    assert OURS.search(query) or "up{" in query


@pytest.mark.parametrize("name", ALERTS)
def test_a_rule_stands_in_the_guide(name: str) -> None:
    """The guide says of each alert how long the condition lasts before it fires, and what to do."""
    assert re.search(rf"^\| `{name}` \| .+, for {ALERTS[name]['lasting']} \| .+ \|$", GUIDE, re.MULTILINE)


@pytest.mark.parametrize("name", ALERTS)
def test_a_rule_is_tried_firing_and_quiet(name: str) -> None:
    """The trials hold both a case in which it fires and one in which it must not."""
    trials = TRIALS.read_text(encoding="utf-8")
    assert re.search(rf"alertname: {name}\n +eval_time: \w+\n +exp_alerts:\n", trials)
    assert f"{{alertname: {name}, " in trials


@needs("promtool")
def test_prometheus_accepts_configuration_and_rules() -> None:
    """The configuration of the compose profile finds its rules, and no rule has a mistake."""
    assert f"{len(ALERTS)} rules found" in promtool("check", "config", "monitoring/prometheus.yml")


@needs("promtool")
def test_the_alerts_fire_when_they_should() -> None:
    """Every trial ends as it says."""
    assert "SUCCESS" in promtool("test", "rules", TRIALS)

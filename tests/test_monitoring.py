"""What Prometheus and Grafana are given: real output of /metrics, and alert rules and a dashboard that fit it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Running, canary_nas, settings_for
from outside import ROOT
from prometheus_client.parser import text_string_to_metric_families

ALERTS = yaml.safe_load((ROOT / "docs" / "alerts.yml").read_text("utf-8"))
DASHBOARD = json.loads((ROOT / "docs" / "grafana-dashboard.json").read_text("utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (Debian's package prometheus)"
)


def promtool(*arguments: str, given: str = "") -> None:
    """Runs it; fails with what it printed if it finds anything."""
    done = subprocess.run(["promtool", *arguments], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not given * bool(done.stderr), done.stdout + done.stderr


@pytest.fixture(scope="module")
def text() -> Iterator[str]:
    """/metrics of a service that has met with everything it counts."""
    with canary_nas() as nas, Running(settings_for(nas)) as running:
        running.wait_ready()
        running.get("/files")
        running.get("/nowhere")
        running.call(lambda: running.service.traffic.note_lag(0.001))
        yield running.get("/metrics").text


def names_in(text: str) -> set[str]:
    return {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}


def targets() -> list[dict[str, Any]]:
    return [target for panel in DASHBOARD["panels"] for target in panel["targets"]]


def expressions() -> list[str]:
    """PromQL of the dashboard, with Grafana's variables filled in, and of the rules."""
    shown = [target["expr"].replace("$instance", ".+").replace("$__rate_interval", "5m") for target in targets()]
    return [*shown, *(rule["expr"] for rule in RULES)]


def metrics_of(expression: str) -> set[str]:
    """The names of the metrics in it: whatever is no function, no label and no number."""
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\b(by|on) *\([^)]*\)", "", expression)
    return set(re.findall(r"[a-z_][a-z0-9_]*\b(?! *\()", re.sub(r"\b[0-9.]+(e[0-9]+)?\b", "", bare))) - {"or"}


def test_the_names_of_metrics_are_found_in_an_expression() -> None:
    assert metrics_of('sum by (le) (rate(a_total{b="c", d=~"e"}[5m])) / 1.5e6 > f or up{x="y"} == 0') == {
        "a_total",
        "f",
        "up",
    }


@needs_promtool
def test_the_output_follows_the_conventions(text: str) -> None:
    promtool("check", "metrics", given=text)


@needs_promtool
def test_the_rules_are_valid() -> None:
    promtool("check", "rules", str(ROOT / "docs" / "alerts.yml"))


@needs_promtool
def test_each_alert_fires_when_it_should_and_not_before() -> None:
    promtool("test", "rules", str(ROOT / "tests" / "alerts.yml"))


@needs_promtool
def test_each_expression_of_the_dashboard_is_valid(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(expressions())]
    file = tmp_path / "panels.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", str(file))


@pytest.mark.parametrize("expression", expressions())
def test_each_metric_that_is_asked_for_exists(text: str, expression: str) -> None:
    asked_for = metrics_of(expression)
    assert asked_for
    assert asked_for <= names_in(text) | {"up"}


def test_every_alert_has_its_test() -> None:
    tested = yaml.safe_load((ROOT / "tests" / "alerts.yml").read_text("utf-8"))["tests"]
    cases = [case for test in tested for case in test["alert_rule_test"]]
    for rule in RULES:
        for fires in (True, False):
            assert [
                case for case in cases if case["alertname"] == rule["alert"] and bool(case.get("exp_alerts")) == fires
            ]


def test_the_panels_are_told_apart_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24
        taken |= cells


def test_each_panel_shows_the_chosen_instances_of_the_chosen_prometheus() -> None:
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource", "instance"}
    for target in targets():
        assert target["expr"].count('{instance=~"$instance"') == target["expr"].count("photosync_")
        assert target["datasource"]["uid"] == "${datasource}"

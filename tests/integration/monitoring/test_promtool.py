"""Alerts and dashboard, read by Prometheus' own tool: valid, due when they should be, every query parses."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import yaml

FILES = Path(__file__).parents[3] / "charts/previewcloud/files"
CASES = Path(__file__).with_name("alerts_test.yaml")
SECONDS = 60


def promtool(*arguments: str, directory: Path) -> None:
    """Run it; it must be content."""
    done = subprocess.run(
        ["promtool", *arguments], cwd=directory, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alerts_are_valid_rules(tmp_path: Path) -> None:
    promtool("check", "rules", "--lint-fatal", str(FILES / "alerts.yaml"), directory=tmp_path)


def test_each_alert_is_due_when_it_should_be_and_none_when_all_is_well(tmp_path: Path) -> None:
    shutil.copy(FILES / "alerts.yaml", tmp_path)
    shutil.copy(CASES, tmp_path)
    promtool("test", "rules", CASES.name, directory=tmp_path)


def test_no_alert_is_without_a_case() -> None:
    groups = yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"]}
    well, wrong = (case for case in yaml.safe_load(CASES.read_text())["tests"] if "day" in case["name"])
    assert {test["alertname"] for test in well["alert_rule_test"]} == alerts
    fired = str(wrong["promql_expr_test"])
    assert {alert for alert in alerts if alert not in fired} == {"PreviewcloudOperatorDown"}


def test_every_query_of_the_dashboard_parses(tmp_path: Path) -> None:
    found = json.loads((FILES / "dashboard.json").read_text())["panels"]
    queries = [target["expr"] for panel in found for target in panel.get("targets", ())]
    assert len(queries) > len(found) / 2
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries)]
    written = {"groups": [{"name": "dashboard", "rules": rules}]}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(written))
    promtool("check", "rules", "--lint=none", "rules.yaml", directory=tmp_path)

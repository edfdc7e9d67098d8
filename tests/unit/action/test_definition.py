"""What action.yml promises, and what the page beside it says."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
import yaml

ACTION = Path(__file__).resolve().parents[3] / "action"
DEFINITION = yaml.safe_load((ACTION / "action.yml").read_text())
PAGE = (ACTION / "README.md").read_text()
DEFAULTS = {
    "api-token": None,
    "api-url": "",
    "config-file": "preview.yaml",
    "working-directory": ".",
    "secrets": "",
    "pr-number": "",
    "action": "auto",
    "comment-on-pr": "true",
    "wait-for-deployment": "true",
    "timeout": "600",
    "registry": "",
    "registry-username": "",
    "registry-password": "",
}
OUTPUTS = {"preview-id", "preview-url", "preview-urls", "status", "deployment-time"}
MODULES = sorted(ACTION.rglob("*.py"))


def test_inputs_and_outputs_are_those_that_workflows_name() -> None:
    assert {name: given.get("default") for name, given in DEFINITION["inputs"].items()} == DEFAULTS
    assert [name for name, given in DEFINITION["inputs"].items() if given.get("required")] == ["api-token"]
    assert set(DEFINITION["outputs"]) == OUTPUTS


def test_every_input_reaches_the_step_by_its_environment_and_none_a_shell() -> None:
    (step,) = DEFINITION["runs"]["steps"]
    assert step["run"] == 'python3 -B "$GITHUB_ACTION_PATH/main.py"'
    assert step["env"] == {
        f"INPUT_{name.upper().replace('-', '_')}": f"${{{{ inputs.{name} }}}}" for name in DEFAULTS
    }


def test_every_output_is_one_of_the_step() -> None:
    (step,) = DEFINITION["runs"]["steps"]
    values = {name: given["value"] for name, given in DEFINITION["outputs"].items()}
    assert values == {name: f"${{{{ steps.{step['id']}.outputs.{name} }}}}" for name in OUTPUTS}


def test_the_page_has_every_input_and_output_with_its_default() -> None:
    for name, default in DEFAULTS.items():
        assert f"| `{name}` | {f'`{default}`' if default else ''} |".replace("|  |", "| |") in PAGE, name
    for name in OUTPUTS:
        assert f"| `{name}` |" in PAGE, name


def test_the_workflow_on_the_page_is_one() -> None:
    workflow = yaml.safe_load(PAGE.split("```yaml\n", 1)[1].split("```", 1)[0])
    assert "closed" in workflow[True]["pull_request"]["types"]  # YAML 1.1 reads `on` so
    assert workflow["concurrency"]["group"]
    steps = workflow["jobs"]["preview"]["steps"]
    assert set(steps[-1]["with"]) <= set(DEFAULTS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_nothing_is_needed_but_the_python_of_runners(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 10))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= {*sys.stdlib_module_names, "previewcloud"} - {"tomllib"}

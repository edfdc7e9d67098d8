"""The workflows: each asks for the least rights, and what it runs is there to be run."""

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.unit.house.reasons import ROOT

FOLDER = ROOT / ".github/workflows"
NAMES = sorted(path.name for path in FOLDER.glob("*.yml"))
RIGHTS = {"contents": "write", "packages": "write", "id-token": "write", "attestations": "write"}
"""What publishing needs, and nothing else may."""
PINNED = re.compile(r"[\w-]+/[\w/-]+@(v\d+|[0-9a-f]{40})|\./\.github/workflows/[\w-]+\.yml")


def workflow(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return found


def steps(name: str) -> Iterator[dict[str, Any]]:
    for job in workflow(name)["jobs"].values():
        yield from [job] if "uses" in job else job["steps"]


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_may_read_and_only_publishing_more(name: str) -> None:
    read = workflow(name)
    assert read["permissions"] == {"contents": "read"}
    more = {job: said["permissions"] for job, said in read["jobs"].items() if "permissions" in said}
    assert more == ({"publish": RIGHTS} if name == "release.yml" else {})


def test_nothing_is_published_that_was_not_checked_and_tested() -> None:
    jobs = workflow("release.yml")["jobs"]
    assert (jobs["publish"]["needs"], jobs["test"]["needs"]) == ("test", "check")
    assert jobs["test"]["uses"] == "./.github/workflows/ci.yml"
    assert any(".ci/run" in step.get("run", "") for step in steps("ci.yml"))


@pytest.mark.parametrize("name", NAMES)
def test_actions_have_a_version_and_leave_no_credential_in_the_checkout(name: str) -> None:
    used = [step for step in steps(name) if "uses" in step]
    assert [step["uses"] for step in used if PINNED.fullmatch(step["uses"]) is None] == []
    checkouts = [step for step in used if step["uses"].startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_run_can_be_run(name: str) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for script in (step["run"] for step in steps(name) if "run" in step):
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
        assert set(re.findall(r"\bmake (?:--silent )?([a-z-]+)", script)) <= set(targets)
        # What somebody else chose reaches a shell as a variable, never as a part of the script.
        assert "${{" not in script

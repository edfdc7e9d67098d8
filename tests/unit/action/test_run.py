"""The Action as a whole, against an API on loopback and a docker that writes down what it is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.action.stage import HEAD, PASSWORD, TOKEN, URLS, Json, Service, Stage, failure, pull_request

ROOT = Path(__file__).resolve().parents[3]
FILE = "services:\n  web: {context: ., target: web}\n"
TAG = f"127.0.0.1:5000/acme/acme-shop-web:{HEAD}"
BUILD: Json = {"context": ".", "dockerfile": "Dockerfile", "target": "web", "args": {"N": "${PR_NUMBER}"}}


@pytest.fixture
def building(stage: Stage, service: Service) -> Stage:
    """A checkout with something to build, and a registry to push to."""
    stage.file("preview.yaml", FILE)
    stage.file("Dockerfile")
    service.builds = {
        "web": {"build": BUILD, "image": None, "port": 8080},
        "cache": {"build": None, "image": "redis:8", "port": None},
    }
    stage.inputs(registry="127.0.0.1:5000/acme")
    return stage


def test_an_opened_pull_request_gets_a_preview_that_runs(stage: Stage, service: Service) -> None:
    assert stage.run() == 0
    assert service.wanted() == {
        "repoOwner": "Acme",
        "repoName": "Shop",
        "prNumber": 7,
        "branch": "add-products",
        "commitSha": HEAD,
        "cloneUrl": "https://github.com/Acme/Shop.git",
        "env": {},
        "comment": True,
        "reopen": False,
    }
    outputs = stage.outputs()
    assert json.loads(outputs.pop("preview-urls")) == URLS
    assert outputs == {
        "preview-id": "pr-7",
        "preview-url": URLS["web"],
        "status": "running",
        "deployment-time": "2",
    }
    assert URLS["web"] in (stage.root / "summary").read_text()


def test_without_a_registry_nothing_is_built_here(
    building: Stage, service: Service, capfd: pytest.CaptureFixture[str]
) -> None:
    building.inputs(registry="")
    assert building.run() == 0
    assert building.docker_calls() == []
    assert not {"services", "previewFile"} & set(service.wanted())
    assert "the operator builds" in capfd.readouterr().out


def test_images_are_built_pushed_and_named_to_the_api(building: Stage, service: Service) -> None:
    assert building.run() == 0
    build, push = building.docker_calls()
    where = str(building.workspace)
    options = ["--tag", TAG, "--file", f"{where}/Dockerfile", "--target", "web", "--build-arg", "N=7"]
    assert build["argv"] == ["build", *options, where]
    assert push["argv"] == ["push", TAG]
    assert service.wanted()["services"] == {"web": {"imageTag": TAG}}
    assert service.wanted()["previewFile"] == FILE
    assert "registry" not in service.wanted()


def test_a_login_is_docker_s_by_standard_input_and_gone_afterwards(building: Stage, service: Service) -> None:
    building.inputs(registry_username="me", registry_password=PASSWORD)
    (building.root / ".docker").mkdir()
    kept = {
        "auths": {"ghcr.io": {}},
        "credsStore": "keychain",
        "credHelpers": {"127.0.0.1:5000": "x", "y": "z"},
    }
    (building.root / ".docker/config.json").write_text(json.dumps(kept))
    assert building.run() == 0
    login, *others = building.docker_calls()
    assert login["argv"] == ["login", "127.0.0.1:5000", "--username", "me", "--password-stdin"]
    assert login["stdin"] == PASSWORD
    settings = {call["settings"] for call in (login, *others)}
    assert len(settings) == 1
    assert not Path(str(settings.pop())).exists()
    assert json.loads(str(login["config"])) == {"auths": {"ghcr.io": {}}, "credHelpers": {"y": "z"}}
    assert json.loads((building.root / ".docker/config.json").read_text()) == kept
    assert service.wanted()["registry"] == {
        "server": "127.0.0.1:5000",
        "username": "me",
        "password": PASSWORD,
    }


def test_no_build_sees_an_input_and_none_of_its_words_is_a_command(
    building: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    building.inputs(registry_username="me", registry_password=PASSWORD, secrets="KEY=hush")
    assert building.run() == 0
    assert all(call["inputs"] == [] for call in building.docker_calls())
    lines = capfd.readouterr().out.splitlines()
    at = lines.index("::add-mask::of a build")
    assert lines[at - 1].startswith("::stop-commands::")
    assert lines[at + 1] == f"::{lines[at - 1].removeprefix('::stop-commands::')}::"


@pytest.mark.parametrize(
    ("verb", "said"), [("build", "the build of"), ("push", "cannot be pushed"), ("login", "refuses")]
)
def test_docker_s_failure_ends_it_before_the_api_is_asked_for_a_preview(
    building: Stage, service: Service, capfd: pytest.CaptureFixture[str], verb: str, said: str
) -> None:
    building.inputs(registry_username="me", registry_password=PASSWORD)
    building.docker_fails(verb)
    assert building.run() == 1
    assert service.seen("POST", "/api/previews") == []
    assert building.outputs() == {"status": "failed"}
    assert said in _error(capfd)


def test_a_subdirectory_is_a_repository_s_own_corner(building: Stage, service: Service) -> None:
    building.file("shop/preview.yaml", FILE)
    building.file("shop/Dockerfile")
    building.inputs(working_directory="shop")
    assert building.run() == 0
    assert building.docker_calls()[0]["argv"][-1] == f"{building.workspace}/shop"  # type: ignore[index]


def test_secrets_are_hidden_before_anything_else_and_sent_as_they_are(
    stage: Stage, service: Service, capfd: pytest.CaptureFixture[str]
) -> None:
    stage.inputs(secrets="API_KEY=hush%\nPRICE=${ten}\n")
    assert stage.run() == 0
    said = capfd.readouterr().out.splitlines()
    assert said[:3] == [f"::add-mask::{TOKEN}", "::add-mask::hush%25", "::add-mask::${ten}"]
    assert not any("hush" in line or TOKEN in line for line in said[3:])
    assert service.wanted()["env"] == {"API_KEY": "hush%", "PRICE": "$${ten}"}


def test_the_comment_can_be_left_out_and_the_waiting_too(stage: Stage, service: Service) -> None:
    stage.inputs(comment_on_pr="false", wait_for_deployment="false")
    assert stage.run() == 0
    assert service.wanted()["comment"] is False
    assert (stage.outputs()["status"], stage.outputs()["deployment-time"]) == ("pending", "")
    assert stage.clock.slept == []


def test_an_answer_without_an_id_is_followed_by_number(stage: Stage, service: Service) -> None:
    service.unnamed = 3
    assert stage.run() == 0
    assert stage.outputs()["preview-id"] == "pr-7"


def test_a_preview_that_fails_fails_the_workflow_with_its_reason(
    stage: Stage, service: Service, capfd: pytest.CaptureFixture[str]
) -> None:
    service.states = ["creating", "failed"]
    service.trouble = {"reason": "MigrationFailed", "message": "001_products.sql\n::set-output name=x::y"}
    assert stage.run() == 1
    assert "MigrationFailed: 001_products.sql%0A" in _error(capfd)
    assert stage.outputs()["status"] == "failed"
    assert "MigrationFailed" in (stage.root / "summary").read_text()


def test_time_that_runs_out_fails_the_workflow(
    stage: Stage, service: Service, capfd: pytest.CaptureFixture[str]
) -> None:
    service.states = ["creating"]
    stage.inputs(timeout="20")
    assert stage.run() == 1
    assert "still creating after 20 s" in _error(capfd)
    assert stage.outputs()["status"] == "creating"


def test_an_error_of_the_api_is_shown_in_its_words(
    stage: Stage, service: Service, capfd: pytest.CaptureFixture[str]
) -> None:
    service.refusals = [(401, {}, failure("Unauthorized", "The token has expired."))]
    assert stage.run() == 1
    said = _error(capfd)
    assert "The token has expired. (Unauthorized)" in said
    assert TOKEN not in said


@pytest.mark.parametrize("code", ["CommitOutdated", "PullRequestClosed", "BranchDeleted"])
def test_a_workflow_that_was_overtaken_ends_well_unless_somebody_asked_for_it(
    stage: Stage, service: Service, code: str
) -> None:
    service.refusals = [(409, {}, failure(code, "Too late."))]
    assert stage.run() == 0
    assert stage.outputs()["status"] == "skipped"
    service.refusals = [(409, {}, failure(code, "Too late."))]
    stage.inputs(action="deploy")
    assert stage.run() == 1


def test_a_closed_pull_request_is_destroyed_and_waited_for(stage: Stage, service: Service) -> None:
    assert stage.run() == 0
    stage.event("pull_request", pull_request("closed"))
    assert stage.run() == 0
    assert [asked.path for asked in service.seen("DELETE")] == ["/api/previews/pr-7"]
    assert (stage.outputs()["preview-id"], stage.outputs()["status"]) == ("pr-7", "destroyed")
    assert service.preview is None


def test_what_has_no_preview_needs_no_destroying(stage: Stage, service: Service) -> None:
    stage.event("pull_request", pull_request("closed"))
    assert stage.run() == 0
    assert service.seen("DELETE") == []
    assert stage.outputs()["status"] == "destroyed"


def test_the_verb_counts_before_the_event(stage: Stage, service: Service) -> None:
    stage.event("pull_request", pull_request("closed"))
    stage.inputs(action="deploy")
    assert stage.run() == 0
    assert service.wanted()["reopen"] is True
    stage.event("pull_request", pull_request("labeled"))
    stage.inputs(action="destroy")
    assert stage.run() == 0
    assert service.preview is None


@pytest.mark.parametrize("token", [TOKEN, ""])
def test_a_fork_s_preview_is_left_to_its_approval(
    building: Stage, service: Service, capfd: pytest.CaptureFixture[str], token: str
) -> None:
    building.event("pull_request", pull_request(fork=True))
    building.inputs(api_token=token, api_url="")
    assert building.run() == 0
    assert "preview-ok" in capfd.readouterr().out
    assert service.asked == []
    assert building.docker_calls() == []
    assert building.outputs()["status"] == "skipped"


def test_a_closed_fork_s_preview_is_destroyed(stage: Stage, service: Service) -> None:
    service.preview = {"previewId": "pr-7", "prNumber": 7, "status": "running", "urls": {}}
    stage.event("pull_request_target", pull_request("closed", fork=True))
    assert stage.run() == 0
    assert service.preview is None


@pytest.mark.parametrize("name", ["api_token", "api_url"])
def test_what_is_missing_is_named(stage: Stage, capfd: pytest.CaptureFixture[str], name: str) -> None:
    stage.inputs(**{name: ""})
    assert stage.run() == 1
    assert f"{name.replace('_', '-')} is empty" in _error(capfd)


def test_a_push_previews_its_branch_at_the_commit_that_is_checked_out(stage: Stage, service: Service) -> None:
    commit = stage.commit()
    stage.event("push", {}, "refs/heads/main")
    assert stage.run() == 0
    wanted = service.wanted()
    assert "prNumber" not in wanted
    assert (wanted["branch"], wanted["commitSha"], wanted["reopen"]) == ("main", commit, True)


def test_it_runs_by_itself_with_nothing_but_python(building: Stage) -> None:
    environ = {**building.environ, "PATH": f"{building.bin}:{os.environ['PATH']}"}
    ended = subprocess.run(
        [sys.executable, "-B", str(ROOT / "action/main.py")],
        cwd=building.workspace,
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert building.outputs()["preview-url"] == URLS["web"]


def _error(capfd: pytest.CaptureFixture[str]) -> str:
    """The only annotation of an error."""
    (line,) = [line for line in capfd.readouterr().out.splitlines() if line.startswith("::error")]
    return line

"""The Action as a whole: its environment goes in, a preview comes or goes, its exit code comes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from previewcloud import commands, report
from previewcloud.answers import Preview
from previewcloud.api import Api, Refused
from previewcloud.checkout import head_commit
from previewcloud.clock import Clock, WallClock
from previewcloud.docker import docker_for
from previewcloud.event import Json, Target, target_of
from previewcloud.failure import Failure
from previewcloud.images import Build, builds_of, directory_of, read_preview_file
from previewcloud.inputs import Inputs, Registry, hidden, read_inputs
from previewcloud.transport import Http, Transport
from previewcloud.waiting import Outcome, Waiting

EVENT_BYTES_MAX = 64 * 1024 * 1024
OVERTAKEN = frozenset({"CommitOutdated", "PullRequestClosed", "BranchDeleted"})
"""Codes of the API for a workflow that began before what came last; that one's own workflow sees to it."""
SKIPPED = Outcome(Preview("", "skipped"))


@dataclass(frozen=True)
class Job:
    """What one run works with."""

    environ: Mapping[str, str]
    inputs: Inputs
    target: Target
    api: Api
    clock: Clock

    @property
    def workspace(self) -> Path:
        """Where the repository is checked out."""
        return workspace_of(self.environ)

    def waiting(self) -> Waiting:
        """Begin to wait."""
        return Waiting(self.api, self.clock, self.inputs.timeout, commands.say)


def main(environ: Mapping[str, str], transport: Transport | None = None, clock: Clock | None = None) -> int:
    """Run the Action; its exit code."""
    for value in hidden(environ):
        commands.mask(value)
    try:
        job = _job(environ, transport or Http(), clock or WallClock())
        outcome = _run(job)
    except Failure as failure:
        commands.annotate("error", str(failure), failure.title)
        commands.write_outputs(environ, {"status": "failed"})
        return 1
    commands.write_outputs(environ, report.outputs(outcome))
    commands.write_summary(environ, report.summary(outcome, job.target))
    if outcome.trouble:
        commands.annotate("error", outcome.trouble, "Preview")
        return 1
    if outcome.preview.url:
        commands.say(f"The preview answers: {outcome.preview.url}")
    return 0


def workspace_of(environ: Mapping[str, str]) -> Path:
    """Return where the repository is checked out."""
    return Path(environ.get("GITHUB_WORKSPACE") or ".").resolve()


def _job(environ: Mapping[str, str], transport: Transport, clock: Clock) -> Job:
    inputs = read_inputs(environ)
    checkout = head_commit(workspace_of(environ), environ)
    target = target_of(environ, _event(environ), inputs.pr_number, checkout)
    api = Api(inputs.api_url, inputs.api_token, transport, clock, commands.say)
    return Job(environ, inputs, target, api, clock)


def _event(environ: Mapping[str, str]) -> Json:
    path = environ.get("GITHUB_EVENT_PATH")
    if not path:
        return {}
    try:
        with Path(path).open("rb") as file:
            event = json.loads(file.read(EVENT_BYTES_MAX))
    except (OSError, ValueError, RecursionError):
        raise Failure(
            "GITHUB_EVENT_PATH cannot be read: this runs as a step of a GitHub workflow only"
        ) from None
    return event if isinstance(event, dict) else {}


def _run(job: Job) -> Outcome:
    inputs, target = job.inputs, job.target
    destroy = inputs.verb == "destroy" or (inputs.verb == "auto" and target.gone)
    if target.fork and not (destroy and inputs.api_token):
        commands.annotate(
            "notice",
            f"{target} comes from a fork: its preview is made by the webhook, once somebody with write"
            " permission approves it by the label preview-ok or the comment /preview approve",
            "PreviewCloud",
        )
        return SKIPPED
    if not inputs.api_url:
        raise Failure(
            "api-url is empty: give the address of PreviewCloud's API, as in https://preview.acme.com"
        )
    if not inputs.api_token:
        raise Failure("api-token is empty: give a token for PreviewCloud's API, kept in a secret")
    return _destroy(job) if destroy else _deploy(job)


def _deploy(job: Job) -> Outcome:
    wanted = _wanted(job)
    if job.inputs.registry is not None:
        wanted.update(_own_images(job, job.inputs.registry))
    else:
        commands.say("No registry is given: nothing is built here, the operator builds from the repository.")
    waiting = job.waiting()
    try:
        preview = job.api.deploy(wanted)
    except Refused as error:
        if error.code in OVERTAKEN and job.inputs.verb == "auto":
            commands.annotate("notice", f"Nothing to do any more. {error}", error.title)
            return SKIPPED
        raise
    if preview is None or not preview.id:
        preview = waiting.until_named(job.target)
    commands.say(f"{job.target} has the preview {preview.id}, at {job.target.commit[:12]}")
    if not job.inputs.wait:
        return Outcome(preview)
    with commands.group(f"Waiting for {preview.id}"):
        return waiting.until_ready(preview.id)


def _wanted(job: Job) -> dict[str, object]:
    """Return what the API is asked for, but for images."""
    target = job.target
    wanted: dict[str, object] = {
        "repoOwner": target.owner,
        "repoName": target.repository,
        "commitSha": target.commit,
        "cloneUrl": target.clone_url,
        "env": {name: literal(value) for name, value in job.inputs.secrets.items()},
        "comment": job.inputs.comment,
        "reopen": target.reopen or job.inputs.verb == "deploy",
    }
    if target.number is not None:
        wanted["prNumber"] = target.number
    if target.branch:
        wanted["branch"] = target.branch
    return wanted


def literal(value: str) -> str:
    """Return a value in the form that the platform takes as it is: `${NAME}` in a secret is no reference."""
    return value.replace("${", "$${")


def _own_images(job: Job, registry: Registry) -> dict[str, object]:
    """Build and push the images of the preview file; return what the API is told of them."""
    directory = directory_of(job.workspace, job.inputs.working_directory)
    text = read_preview_file(directory, job.inputs.config_file)
    builds = builds_of(job.api.preview_file(text), directory, registry.prefix, job.target)
    _make(job, registry, builds)
    wanted: dict[str, object] = {
        "previewFile": text,
        "services": {build.service: {"imageTag": build.tag} for build in builds},
    }
    if login := registry.login:
        wanted["registry"] = {
            "server": login.server,
            "username": login.username,
            "password": login.password,
        }
    return wanted


def _make(job: Job, registry: Registry, builds: list[Build]) -> None:
    if not builds:
        commands.say("The preview file has nothing to build.")
        return
    with docker_for(job.environ, registry.login) as docker:
        for build in builds:
            with commands.group(f"Building {build.service}: {build.tag}"):
                docker.build(build)
        for build in builds:
            with commands.group(f"Pushing {build.service}"):
                docker.push(build)


def _destroy(job: Job) -> Outcome:
    found = job.api.find(job.target)
    if found is None:
        commands.say(f"{job.target} has no preview.")
        return Outcome(Preview("", "destroyed"))
    waiting = job.waiting()
    preview_id = found.id or waiting.until_named(job.target).id
    commands.say(f"Destroying {preview_id}.")
    if not job.api.destroy(preview_id):
        return Outcome(Preview(preview_id, "destroyed"))
    if not job.inputs.wait:
        return Outcome(Preview(preview_id, "destroying"))
    return waiting.until_gone(preview_id)

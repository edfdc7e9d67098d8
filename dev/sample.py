"""The sample: its Preview applied, followed until it is ready, its URL asked until it answers."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from dev.cluster import Cluster
from dev.operator import OPERATOR
from dev.processes import Processes, last_lines
from dev.progress import Progress, Step, StepFailed
from dev.repository import REPOSITORY
from dev.site import Site

NAME = "pr-1"
NAMESPACE = "default"
READY_SECONDS = 900.0
POLL_SECONDS = 0.5
DELETE_SECONDS = 90
ANSWER_SECONDS = 30.0
SCHEMES = {"http": 80, "https": 443}
CONFLICT = re.compile(r"Apply failed with \d+ conflict")


@dataclass(frozen=True)
class Seen:
    """What a Preview's status says."""

    current: bool
    ready: bool
    stalled: bool
    step: str
    url: str
    commit: str
    conditions: tuple[str, ...]


def manifest(example: Path, clone_url: str, commit: str) -> str:
    """Return the example's Preview with the local repository and commit filled in, as YAML."""
    preview = yaml.safe_load(example.read_text())
    preview["metadata"] = {**preview.get("metadata", {}), "name": NAME, "namespace": NAMESPACE}
    source = preview.setdefault("spec", {}).setdefault("source", {})
    source.update(
        {
            "repository": REPOSITORY,
            "cloneURL": clone_url,
            "commit": commit,
            "pullRequest": 1,
            "trust": "trusted",
        }
    )
    return yaml.safe_dump(preview, sort_keys=False)


def ensure(site: Site, cluster: Cluster, text: str, progress: Progress) -> str:
    """Apply the sample and wait until its URL answers; return the URL.

    One that somebody changed by hand is theirs: it is left as it is.

    Raises:
        StepFailed: it did not become ready; the message holds the conditions and says where the logs are.
    """
    path = site.state / "sample.yaml"
    path.write_text(text)
    commit = str(yaml.safe_load(text)["spec"]["source"]["commit"])
    by_hand = not _applied(cluster, path)
    seen = _look(cluster)
    if by_hand:
        progress.done(f"sample Preview {NAME}", f"changed by hand, left as it is: {seen.url or seen.step}")
        return seen.url
    if seen.ready and seen.current and seen.commit == commit and answers(seen.url):
        progress.done(f"sample Preview {NAME}", seen.url)
        return seen.url
    with progress.step(f"sample Preview {NAME}") as step:
        url = _follow(site, cluster, commit, step, progress)
        step.note = url
    return url


def remove(cluster: Cluster, progress: Progress) -> None:
    """Delete the sample from a cluster that stays, while the operator is still there to take it down.

    Raises:
        StepFailed: it is still there when the time is over.
    """
    with progress.step(f"deleting Preview {NAME}"):
        named = ("preview", NAME, "-n", NAMESPACE, "--ignore-not-found")
        cluster.run("delete", *named, f"--timeout={DELETE_SECONDS}s")


def read(preview: Mapping[str, object]) -> Seen:
    """Read a Preview as the API server gives it; anything may still be missing."""
    status, metadata = _mapping(preview.get("status")), _mapping(preview.get("metadata"))
    listed = status.get("conditions")
    conditions = [_mapping(item) for item in listed] if isinstance(listed, list) else []
    state = {str(item.get("type")): item.get("status") == "True" for item in conditions}
    return Seen(
        current=status.get("observedGeneration") == metadata.get("generation"),
        ready=state.get("Ready", False),
        stalled=state.get("Stalled", False),
        step=str(status.get("step") or status.get("phase") or "waiting for the operator"),
        url=str(status.get("url") or ""),
        commit=str(status.get("commit") or ""),
        conditions=tuple(
            f"{item.get('type')}={item.get('status')} {item.get('reason', '')}: {item.get('message', '')}"
            for item in conditions
        ),
    )


def answers(url: str) -> bool:
    """Tell whether a preview's URL answers 200, asked on loopback whatever the resolver knows; by https
    whatever its certificate is, as that may be on its way.
    """
    parts = urlsplit(url)
    if not parts.hostname:
        return False
    connection = http.client.HTTPConnection("127.0.0.1", parts.port or SCHEMES[parts.scheme], timeout=5)
    try:
        connection.connect()
        if parts.scheme == "https":
            connection.sock = _unchecked().wrap_socket(connection.sock, server_hostname=parts.hostname)
        connection.request("GET", "/", headers={"Host": parts.netloc})
        return connection.getresponse().status == 200
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _applied(cluster: Cluster, path: Path) -> bool:
    """Apply the sample; False where somebody else owns one of its fields by now."""
    try:
        cluster.run("apply", "--server-side", "--field-manager=make-up", "-f", str(path))
    except StepFailed as error:
        if CONFLICT.search(str(error)):
            return False
        raise
    return True


def _follow(site: Site, cluster: Cluster, commit: str, step: Step, progress: Progress) -> str:
    processes, started, ready_since = Processes(site.pids, site.logs), time.monotonic(), 0.0
    while time.monotonic() - started < READY_SECONDS and not _ended(processes):
        seen = _look(cluster)
        if seen.step != step.note:
            step.note = seen.step
            progress.say(f"        {seen.step}")
        if seen.stalled and seen.current:
            break
        if seen.ready and seen.current and seen.commit == commit:
            ready_since = ready_since or time.monotonic()
            if answers(seen.url):
                return seen.url
            if time.monotonic() - ready_since > ANSWER_SECONDS:
                break
        time.sleep(POLL_SECONDS)
    said = "\n    ".join(_look(cluster).conditions) or "no conditions: the operator has not seen it"
    why, log = "", str(processes.log(OPERATOR))
    if processes.known(OPERATOR) is None:
        log = "the log of the operator's pod"
    elif _ended(processes):
        why = "; the operator ended"
        said = "\n    ".join(last_lines(processes.log(OPERATOR), 15))
    raise StepFailed(
        f"Preview {NAME} does not answer{why}; read {log} and `kubectl describe preview {NAME}`\n    {said}"
    )


def _ended(processes: Processes) -> bool:
    """Tell whether the operator ran as a process here and does no more; one in a pod is the node's affair."""
    return processes.known(OPERATOR) is not None and not processes.alive(OPERATOR)


def _look(cluster: Cluster) -> Seen:
    text = cluster.run("get", "preview", NAME, "-n", NAMESPACE, "-o", "json")
    return read(_mapping(json.loads(text)))


def _mapping(value: object) -> dict[str, object]:
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}

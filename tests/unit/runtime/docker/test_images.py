"""Whose fault a failed pull is; which labels an image may carry; what a job's files look like."""

import io
import tarfile

import pytest

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.api.names import PreviewKey
from controller.runtime.docker.images import checked, pull_failure, registry_of
from controller.runtime.docker.jobs import job_files
from controller.runtime.imagelabels import check_labels, owner_labels, owner_of
from controller.runtime.protocol import JobSpec

OWN = "previewcloud/acme-shop/web:abc"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("pull access denied for x, repository does not exist or may require 'docker login'", "ImageDenied"),
        ("unauthorized: authentication required", "ImageDenied"),
        ("manifest for x:9 not found: manifest unknown: manifest unknown", "ImageNotFound"),
        ("dial tcp: lookup registry.example: no such host", "RegistryUnavailable"),
        ("net/http: TLS handshake timeout", "RegistryUnavailable"),
    ],
)
def test_a_failed_pull_is_blamed_on_the_right_one(message: str, reason: str) -> None:
    error = pull_failure("x:9", message)
    assert error.reason == reason
    assert isinstance(error, BackendUnavailable if reason == "RegistryUnavailable" else InvalidSpec)


def test_labels_of_the_proxy_and_of_ours_are_refused_in_any_case() -> None:
    for key in (
        "traefik.enable",
        "Traefik.http.routers.x.rule",
        "previewcloud.preview",
        "previewcloud.image.preview",
    ):
        with pytest.raises(InvalidSpec):
            check_labels("nginx:1", {key: "x"})
    check_labels("nginx:1", {"org.opencontainers.image.title": "traefik.enable", "maintainer": "x"})


def test_owner_labels_are_exempt_on_our_own_images_only() -> None:
    labels = owner_labels("mine", PreviewKey("default", "shop"))
    check_labels(OWN, labels)
    with pytest.raises(InvalidSpec):
        check_labels(OWN, {**labels, "previewcloud.preview": "team/victim"})
    assert owner_of(OWN, labels, "mine") == PreviewKey("default", "shop")
    assert owner_of(OWN, labels, "other") is None
    assert owner_of("nginx:1", labels, "mine") is None
    assert owner_of(OWN, {**labels, "previewcloud.image.preview": "a/b/c"}, "mine") is None


def test_a_jobs_files_are_readable_and_not_writable() -> None:
    spec = JobSpec("job", PreviewKey("a", "b"), "pr-1", "x", ("x",), files={"m/1.sql": b"select 1"})
    raw = job_files(spec)
    assert raw is not None
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        modes = {entry.name: (entry.isdir(), oct(entry.mode)) for entry in archive}
    assert modes == {
        "job": (True, "0o555"),
        "job/m": (True, "0o555"),
        "job/m/1.sql": (False, "0o444"),
    }


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", ""])
def test_a_jobs_file_cannot_leave_its_folder(path: str) -> None:
    with pytest.raises(InvalidSpec):
        job_files(JobSpec("job", PreviewKey("a", "b"), "pr-1", "x", ("x",), files={path: b""}))


@pytest.mark.parametrize(
    ("reference", "host"),
    [
        ("nginx", "docker.io"),
        ("acme/shop:1", "docker.io"),
        ("ghcr.io/acme/shop@sha256:abc", "ghcr.io"),
        ("localhost/shop", "localhost"),
        ("127.0.0.1:5000/shop:1", "127.0.0.1:5000"),
        ("index.docker.io/library/nginx", "docker.io"),
    ],
)
def test_a_reference_names_its_registry(reference: str, host: str) -> None:
    assert registry_of(checked(reference)) == host


@pytest.mark.parametrize(
    "reference", ["", "../containers/x", "a/../b", "a?all=1", "a b", "-x", "a#b", "a%2e%2e"]
)
def test_what_could_reach_another_call_is_no_reference(reference: str) -> None:
    with pytest.raises(InvalidSpec):
        checked(reference)

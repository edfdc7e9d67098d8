"""Secrets at rest: what etcd holds of them, on a control plane of the test's own."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from dev import cluster as control_plane
from dev import encryption, ports
from dev.binaries import Binaries
from dev.cluster import Cluster
from dev.ports import Ports
from dev.processes import Processes
from dev.progress import Progress
from dev.site import Site, here, site_from
from tests.integration.etcd import stored

NAME = "pr-1-database"
KEY = b"/registry/secrets/default/pr-1-database"


@dataclass(frozen=True)
class Plane:
    """etcd and API server."""

    site: Site
    ports: Ports

    def up(self) -> Cluster:
        progress = Progress(Console(file=StringIO()))
        return control_plane.ensure(self.site, self.ports, Binaries(self.site, progress, {}), progress)

    def down(self) -> None:
        control_plane.stop(self.site, Processes(self.site.pids, self.site.logs))

    def stored(self) -> dict[bytes, bytes]:
        """Everything that etcd has, key by key."""
        return stored(f"http://127.0.0.1:{self.ports.etcd_client}")


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    state = {"PREVIEWCLOUD_STATE": str(tmp_path / ".local"), "PREVIEWCLOUD_CACHE": str(here().cache)}
    site = site_from(state, here().checkout)
    site.make_directories()
    made = Plane(site, ports.ensure(site.state / "ports.json", site.installation))
    try:
        yield made
    finally:
        made.down()


def create(cluster: Cluster, password: str) -> None:
    cluster.run("create", "secret", "generic", NAME, f"--from-literal=DATABASE_PASSWORD={password}")


def read(cluster: Cluster) -> str:
    shown = cluster.run("get", "secret", NAME, "-o", "jsonpath={.data.DATABASE_PASSWORD}")
    return base64.b64decode(shown).decode()


def test_etcd_never_sees_a_credential(plane: Plane) -> None:
    cluster, password = plane.up(), secrets.token_hex(16)
    create(cluster, password)
    stored = plane.stored()
    assert stored[KEY].startswith(b"k8s:enc:secretbox:v1:key1:")
    assert [key for key, value in stored.items() if password.encode() in value] == []
    assert read(cluster) == password
    assert (plane.site.secrets / "encryption.json").stat().st_mode & 0o077 == 0


def test_what_was_stored_in_clear_is_written_again_and_stays_readable(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = plane.site.secrets / "before.json"
    config = json.loads(encryption.document(secrets.token_bytes(encryption.KEY_BYTES)))
    config["resources"][0]["providers"] = [{"identity": {}}]
    before.write_text(json.dumps(config))
    with monkeypatch.context() as earlier:
        earlier.setattr(encryption, "configuration", lambda site: before)
        earlier.setattr(encryption, "rewrite", lambda site, kubectl: None)
        password = secrets.token_hex(16)
        create(plane.up(), password)
    assert password.encode() in plane.stored()[KEY]
    cluster = plane.up()
    assert [key for key, value in plane.stored().items() if password.encode() in value] == []
    assert read(cluster) == password

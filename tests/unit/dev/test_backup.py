"""Backups as files: what is in them, whose they are, and what is refused before anything is touched."""

from __future__ import annotations

import dataclasses
import io
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from controller.api.attempt import attempt_of
from controller.api.preview import parse
from dev import backup, backup_archive, backup_cluster
from dev.progress import Progress, StepFailed
from dev.site import Site, site_from

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
QUIET = Progress(Console(file=io.StringIO()))


def site(folder: Path, installation: str = "mine", **more: str) -> Site:
    environ = {"PREVIEWCLOUD_STATE": str(folder / "state"), "INSTALLATION_ID": installation, **more}
    return site_from(environ, folder)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A backup of installation `mine`."""
    parts = tmp_path / "made" / "parts"
    (parts / "cluster").mkdir(parents=True)
    (parts / "cluster/objects.json").write_text("[]")
    about = backup_archive.about("0.1.0", "mine", NOW)
    backup_archive.write(tmp_path / "backup.tar", parts, about, {"Previews": 0})
    return tmp_path / "backup.tar"


def changed(file: Path, name: str, content: bytes) -> None:
    """Put other content into a backup."""
    with tarfile.open(file) as tar:
        members = [(each, tar.extractfile(each)) for each in tar.getmembers()]
        kept = [
            (each, content if each.name == name else data.read() if data else None) for each, data in members
        ]
    with tarfile.open(file, "w") as tar:
        for member, data in kept:
            member.size = len(data or b"")
            tar.addfile(member, io.BytesIO(data or b""))


def refusal(folder: Path, file: Path, installation: str = "mine", **more: str) -> str:
    with pytest.raises(StepFailed) as error:
        backup.restore(site(folder, installation, **more), file, QUIET, replace=False)
    return str(error.value)


def test_a_backup_says_what_it_is_of_and_only_its_owner_can_read_it(file: Path) -> None:
    manifest = backup_archive.look(file)
    assert (manifest.installation, manifest.made_at) == ("mine", "2026-01-02T03:04:05+00:00")
    assert (manifest.version, manifest.told()) == ("0.1.0", "0 Previews")
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_was_written_comes_back(file: Path, tmp_path: Path) -> None:
    parts = backup_archive.unpack(file, tmp_path / "again", backup_archive.look(file))
    assert (parts / "cluster/objects.json").read_text() == "[]"


def test_another_installations_backup_is_refused(file: Path, tmp_path: Path) -> None:
    assert "is of installation mine, and this one is other" in refusal(tmp_path, file, "other")


def test_a_newer_format_is_refused(file: Path, tmp_path: Path) -> None:
    newer = {**dataclasses.asdict(backup_archive.look(file)), "format": 2, "version": "9.9"}
    changed(file, "manifest.json", json.dumps(newer).encode())
    assert "of format 2, made by version 9.9" in refusal(tmp_path, file)


def test_a_part_that_is_not_as_it_was_written_is_refused(file: Path, tmp_path: Path) -> None:
    changed(file, "parts/cluster/objects.json", b"[1]")
    assert "cluster/objects.json is missing or not as it was written" in refusal(tmp_path, file)


def test_a_file_that_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("hello")
    assert "is no backup" in refusal(tmp_path, tmp_path / "notes")
    assert "is no backup" in refusal(tmp_path, tmp_path / "nowhere")


def test_a_cluster_of_the_callers_own_is_left_alone(file: Path, tmp_path: Path) -> None:
    assert "docs/recovery.md" in refusal(tmp_path, file, CLUSTER="current")


def preview(attempt: str | None = None, **status: Any) -> dict[str, Any]:
    source = {"repository": "acme/shop", "pullRequest": 1, "trust": "trusted", "commit": "a" * 40}
    metadata = {
        "name": "pr-1",
        "namespace": "default",
        "uid": "dead",
        "resourceVersion": "7",
        "generation": 3,
        "annotations": {"previewcloud.io/slug": "pr-1"},
        "ownerReferences": [{"kind": "ApplicationSet", "uid": "dead"}],
        "finalizers": ["previewcloud.io/teardown"],
    }
    body = {"kind": "Preview", "metadata": metadata, "spec": {"source": source}}
    told = {
        "phase": "Sleeping",
        "observedGeneration": 3,
        "attempt": attempt or attempt_of(parse(body)),
        **status,
    }
    return {**body, "status": told}


def test_an_object_is_kept_without_what_only_its_old_cluster_knew() -> None:
    kept = backup_cluster.restorable(preview())
    assert set(kept) == {"kind", "metadata", "spec"}
    assert set(kept["metadata"]) == {"name", "namespace", "annotations", "finalizers"}


def test_a_status_speaks_of_the_object_that_is_made_and_nobody_has_looked_at() -> None:
    kept = backup_cluster.status_of(preview())
    made = {**kept, "metadata": {**kept["metadata"], "uid": "new", "generation": 1}}
    assert (kept["status"]["phase"], kept["status"]["observedGeneration"]) == ("Sleeping", 0)
    assert kept["status"]["attempt"] == attempt_of(parse(made))


def test_what_was_asked_for_and_not_begun_is_not_held_to_be_done() -> None:
    assert backup_cluster.status_of(preview(attempt="older"))["status"]["attempt"] == "older"


def test_modes_and_empty_directories_come_back(tmp_path: Path) -> None:
    parts, target = tmp_path / "made" / "parts", tmp_path / "unpacked"
    (parts / "git/refs").mkdir(parents=True)
    (parts / "key").write_text("secret")
    (parts / "key").chmod(0o600)
    about = backup_archive.about("0.1.0", "mine", NOW)
    manifest = backup_archive.write(tmp_path / "backup.tar", parts, about, {})
    found = backup_archive.unpack(tmp_path / "backup.tar", target, manifest)
    assert (found / "git/refs").is_dir()
    assert (found / "key").stat().st_mode & 0o777 == 0o600


def test_what_leads_out_of_a_backup_is_not_written(tmp_path: Path, file: Path) -> None:
    with tarfile.open(file, "a") as tar:
        for name in ("../outside", "parts/../../outside"):
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"evil"))
        link = tarfile.TarInfo("parts/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    target = tmp_path / "a" / "unpacked"
    target.mkdir(parents=True)
    parts = backup_archive.unpack(file, target, backup_archive.look(file))
    assert not (tmp_path / "a" / "outside").exists()
    assert not (parts / "link").is_symlink()

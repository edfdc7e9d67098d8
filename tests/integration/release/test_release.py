"""A release from the first command to what users get, in a clone with a version of its own and the platform's
registry.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from dev.repository import IDENTITY

ROOT = Path(__file__).resolve().parents[3]
VERSION, OF_PYTHON = "97.8.6-rc.1", "97.8.6rc1"
BUILD_SECONDS = 1800.0

pytestmark = pytest.mark.timeout(BUILD_SECONDS)


def run(*command: str | Path, cwd: Path = ROOT, **env: str) -> str:
    """The output of a command that must succeed."""
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **IDENTITY, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout.strip()


@dataclass(frozen=True)
class Released:
    """A clone in which a version was released, and what the command said."""

    clone: Path
    repository: str
    told: str

    @property
    def dist(self) -> Path:
        return self.clone / "dist"

    @property
    def image(self) -> str:
        found = re.search(rf"^{re.escape(self.repository)}@sha256:[0-9a-f]{{64}}$", self.told, re.MULTILINE)
        assert found is not None, self.told
        return found[0]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    clone = tmp_path_factory.mktemp("release") / "clone"
    run("git", "clone", "--quiet", "--no-local", ROOT, clone)
    run(sys.executable, "-m", "dev.release", "prepare", VERSION, cwd=clone)
    run("git", "commit", "--quiet", "--all", "--message", f"Version {VERSION}", cwd=clone)
    run("git", "tag", "--annotate", f"v{VERSION}", "--message", f"v{VERSION}", cwd=clone)
    repository = f"{os.environ['REGISTRY']}/acme-{os.getpid()}/previewcloud"
    tag = f"{repository}:{VERSION}"
    try:
        told = run(
            sys.executable, "-m", "dev.release", "build", VERSION, "--repository", repository, cwd=clone
        )
        run("docker", "image", "rm", tag)
        yield Released(clone, repository, told)
    finally:
        left = run("docker", "image", "ls", "--quiet", "--no-trunc", repository)
        if left:
            run("docker", "image", "rm", "--force", *set(left.split()))


def test_the_wheel_installs_and_its_commands_say_the_version(released: Released, tmp_path: Path) -> None:
    (wheel,) = released.dist.glob("*.whl")
    assert wheel.name == f"previewcloud-{OF_PYTHON}-py3-none-any.whl"
    run(sys.executable, "-m", "venv", tmp_path)
    site = sysconfig.get_path("purelib", vars={"base": str(tmp_path)})
    # The dependencies are those of this environment; installing them by their hashes is the image's proof.
    (Path(site) / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    run(tmp_path / "bin/pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    for command in ("previewcloud", "kubectl-preview"):
        assert run(tmp_path / "bin" / command, "--version", cwd=tmp_path) == f"previewcloud {VERSION}"
    assert (
        run(tmp_path / "bin/python", "-m", "webhook", "--version", cwd=tmp_path) == f"previewcloud {VERSION}"
    )


def test_wheel_and_source_hold_what_is_committed_and_no_tests(released: Released) -> None:
    (wheel,), (source,) = released.dist.glob("*.whl"), released.dist.glob("*.tar.gz")
    committed = set(run("git", "ls-files", cwd=released.clone).split())
    with zipfile.ZipFile(wheel) as opened:
        inside = {name for name in opened.namelist() if ".dist-info/" not in name}
    product = {name for name in committed if name.split("/")[0] in ("cli", "controller", "webhook")}
    assert inside == {name for name in product if name.endswith(".py") or "/page/" in name}
    with tarfile.open(source) as archive:
        sources = {name.partition("/")[2] for name in archive.getnames()}
    assert inside | {"pyproject.toml", "README.md", "LICENSE"} <= sources
    assert not [name for name in sources if name.startswith(("tests", "dev"))]


def test_the_image_in_the_registry_is_that_version_at_that_commit(released: Released) -> None:
    run("docker", "pull", "--quiet", released.image)
    assert (
        run("docker", "run", "--rm", released.image, "previewcloud", "--version") == f"previewcloud {VERSION}"
    )
    labels = run("docker", "image", "inspect", "--format", "{{json .Config.Labels}}", released.image)
    told = yaml.safe_load(labels)
    head = run("git", "rev-parse", "HEAD", cwd=released.clone)
    assert told["org.opencontainers.image.version"] == VERSION
    assert told["org.opencontainers.image.revision"] == head
    assert [name for name in told if not name.startswith("org.opencontainers.image.")] == []


def test_the_chart_in_the_registry_installs_that_image(released: Released, tmp_path: Path) -> None:
    where = f"oci://{released.repository.removesuffix('/previewcloud')}/charts/previewcloud"
    run(
        "helm",
        "pull",
        where,
        "--version",
        VERSION,
        "--plain-http",
        "--untar",
        cwd=tmp_path,
        HOME=str(tmp_path),
    )
    chart = yaml.safe_load((tmp_path / "previewcloud/Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)
    values = yaml.safe_load((tmp_path / "previewcloud/values.yaml").read_text())
    assert values["image"]["repository"] == released.repository


def test_every_file_has_its_checksum(released: Released) -> None:
    lines = (released.dist / "SHA256SUMS").read_text().splitlines()
    told = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in released.dist.iterdir()}
    files.pop("SHA256SUMS")
    assert told == files
    assert len(files) == 4
    assert (released.dist / "image.txt").read_text() == f"{released.image}\n"


def test_the_notes_are_the_changelogs_section(released: Released) -> None:
    notes = run(sys.executable, "-m", "dev.release", "notes", VERSION, cwd=released.clone)
    assert notes.splitlines()[-1] in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize(
    ("event", "jobs"), [("pull_request", {"test"}), ("push", {"test", "check", "publish"})]
)
def test_a_runner_understands_the_workflows(event: str, jobs: set[str], tmp_path: Path) -> None:
    told = run("act", event, "--list", "--workflows", ROOT / ".github/workflows", HOME=str(tmp_path))
    listed = re.findall(r"^\d+ +(\S+) .*\b(?:ci|release)\.yml\b", told, re.MULTILINE)
    assert set(listed) == jobs


def test_a_tree_that_changed_is_not_released(released: Released) -> None:
    stray = released.clone / "controller/stray.py"
    stray.write_text('"""Not committed."""\n')
    try:
        with pytest.raises(AssertionError, match=r"must be committed(.|\n)*stray\.py"):
            run(sys.executable, "-m", "dev.release", "check", VERSION, cwd=released.clone)
    finally:
        stray.unlink()
    told = run(sys.executable, "-m", "dev.release", "check", VERSION, cwd=released.clone)
    assert f"version {VERSION}" in told

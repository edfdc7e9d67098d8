"""`python -m controller sweep`: its arguments, its exit codes; nothing of the platform is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controller import __version__
from controller.__main__ import cli

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: me, user: {token: none}}]
"""


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of an installation whose API server does not answer, and nothing else."""
    config = tmp_path / "kubeconfig"
    config.write_text(KUBECONFIG)
    for name in ("POSTGRES_URL", "MYSQL_URL", "MONGODB_URL", "WATCH_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBECONFIG", str(config))
    monkeypatch.setenv("RUNTIME", "memory")
    monkeypatch.setenv("INSTALLATION_ID", "prod")


@pytest.mark.usefixtures("env")
@pytest.mark.parametrize(
    "arguments",
    [
        ("--despite-safeguard", "prod"),
        ("--remove", "--despite-safeguard", "staging"),
        ("--everything",),
    ],
)
def test_the_safeguard_is_set_aside_only_by_who_names_the_installation(arguments: tuple[str, ...]) -> None:
    ended = CliRunner().invoke(cli, ["sweep", *arguments])
    assert ended.exit_code == 2


@pytest.mark.usefixtures("env")
def test_without_the_api_server_nothing_is_looked_at_and_that_is_said() -> None:
    # a process of its own: the client reads KUBECONFIG when it is imported
    ended = subprocess.run(
        [sys.executable, "-m", "controller", "sweep", "--remove"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1, ended.stderr
    assert "cluster did not answer" in ended.stdout
    assert ended.stdout.endswith("nothing is looked at.\n")


@pytest.mark.usefixtures("env")
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORPHAN_GRACE", "soon")
    for arguments in (["sweep"], []):
        ended = CliRunner().invoke(cli, arguments)
        assert ended.exit_code == 2
        assert "orphan_grace" in ended.stderr


def test_the_version_is_shown() -> None:
    ended = CliRunner().invoke(cli, ["--version"])
    assert (ended.exit_code, ended.stdout) == (0, f"previewcloud {__version__}\n")

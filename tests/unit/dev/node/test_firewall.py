import os
import subprocess
from pathlib import Path

import pytest

from dev.node import firewall

RULES = """\
-P FORWARD DROP
-N DOCKER
-N N3f9a2c-PODS
-N N3f9a2c-SERVICES
-A FORWARD -j DOCKER
-A FORWARD -m comment --comment "kubernetes service portals" -j N3f9a2c-SERVICES
-A FORWARD -j N3f9a2c-PODS
-A N3f9a2c-PODS -s 10.232.4.0/24 -j ACCEPT
-A N3f9a2c-SERVICES -j N3f9a2c-PODS
"""


@pytest.fixture
def wrapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The programs that kube-proxy calls, before others that only say how they were called."""
    real = tmp_path / "real"
    real.mkdir()
    for name, body in {
        "iptables": 'echo "$@"',
        "iptables-restore": "cat",
        "iptables-save": "printf '%s\\n' '-A KUBE-X -j KUBE-A' '-A N1-SERVICES -j N1-B' '-A DOCKER -j X'",
    }.items():
        (real / name).write_text(f"#!/bin/sh\n{body}\n")
        (real / name).chmod(0o755)
    monkeypatch.setattr(firewall, "SYSTEM_PATH", f"{real}:{os.environ['PATH']}")
    return {name: firewall.wrapper(name, "N1-") for name in firewall.WRAPPERS}


def _call(script: str, *arguments: str, stdin: str = "") -> str:
    command = ["sh", "-c", script, "wrapper", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stdout


def test_kube_proxys_chains_get_the_nodes_prefix(wrapped: dict[str, str]) -> None:
    said = _call(wrapped["iptables"], "-A", "OUTPUT", "--comment", "a b", "-j", "KUBE-SERVICES")
    assert said == "-A OUTPUT --comment a b -j N1-SERVICES\n"
    assert _call(wrapped["iptables-restore"], stdin=":KUBE-SVC-1\n") == ":N1-SVC-1\n"


def test_it_sees_its_own_chains_under_the_names_it_knows_and_nobody_elses(wrapped: dict[str, str]) -> None:
    assert _call(wrapped["iptables-save"]) == "-A KUBE-SERVICES -j KUBE-B\n-A DOCKER -j X\n"


def test_rules_are_removed_where_they_point_in_before_chains_go() -> None:
    assert list(firewall.removals(RULES, "N3f9a2c-")) == [
        [
            "-D",
            "FORWARD",
            "-m",
            "comment",
            "--comment",
            "kubernetes service portals",
            "-j",
            "N3f9a2c-SERVICES",
        ],
        ["-D", "FORWARD", "-j", "N3f9a2c-PODS"],
        ["-F", "N3f9a2c-PODS"],
        ["-F", "N3f9a2c-SERVICES"],
        ["-X", "N3f9a2c-PODS"],
        ["-X", "N3f9a2c-SERVICES"],
    ]


def test_another_nodes_rules_stay() -> None:
    assert list(firewall.removals(RULES, "N000000-")) == []

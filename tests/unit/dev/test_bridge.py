"""The bridge's process, with a program in its place that answers, or ends."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from dev import bridge, downloads
from dev.processes import Processes
from dev.progress import Progress, StepFailed
from dev.site import Site, site_from

ANSWERS = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
host, port = os.environ["BRIDGE_LISTEN"].split(":")
http.server.HTTPServer((host, int(port)), Handler).serve_forever()
"""
ENDS = "raise SystemExit('API_KEY: too short')"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = site_from({"HOME": str(tmp_path), "PREVIEWCLOUD_STATE": str(tmp_path / "state")}, tmp_path)
    made.make_directories()
    (tmp_path / "controller").mkdir()
    _write(made, ANSWERS)
    yield made
    Processes(made.pids, made.logs).stop(bridge.BRIDGE)


@pytest.fixture
def settings() -> dict[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    return {"BRIDGE_LISTEN": address, "BRIDGE_URL": f"http://{address}", "API_KEY": "it's secret"}


def _write(site: Site, program: str) -> None:
    (site.checkout / "webhook").mkdir(exist_ok=True)
    (site.checkout / "webhook/__init__.py").touch()
    (site.checkout / "webhook/__main__.py").write_text(program)


def _ensure(site: Site, settings: dict[str, str]) -> int:
    """Bring the bridge up; gives its process."""
    bridge.ensure(site, settings, Progress(Console(file=StringIO())))
    running = Processes(site.pids, site.logs).known(bridge.BRIDGE)
    assert running is not None
    return running.pid


def test_it_answers_and_stays_while_nothing_changed(site: Site, settings: dict[str, str]) -> None:
    first = _ensure(site, settings)
    assert downloads.succeeds(f"{settings['BRIDGE_URL']}/readyz")
    assert _ensure(site, settings) == first


def test_other_settings_or_other_code_replace_it(site: Site, settings: dict[str, str]) -> None:
    first = _ensure(site, settings)
    second = _ensure(site, settings | {"GITHUB_TOKEN": "t"})
    _write(site, ANSWERS + "# newer")
    assert len({first, second, _ensure(site, settings | {"GITHUB_TOKEN": "t"})}) == 3


def test_its_settings_are_written_for_their_owner_alone(site: Site, settings: dict[str, str]) -> None:
    _ensure(site, settings)
    file = site.state / "bridge.env"
    assert "BRIDGE_LISTEN=127.0.0.1:" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_one_that_ends_is_told_with_its_last_words(site: Site, settings: dict[str, str]) -> None:
    _write(site, ENDS)
    with pytest.raises(StepFailed, match=r"bridge ended(?s:.*)API_KEY: too short"):
        _ensure(site, settings)


def test_githubs_api_is_the_callers_or_none() -> None:
    around = {"GITHUB_TOKEN": "t", "GITHUB_API_URL": "", "GITHUB_SHA": "x", "PATH": "/bin"}
    assert bridge.of_the_caller(around) == {"GITHUB_TOKEN": "t"}

"""The health check of the image: whom it asks, and what it makes of the answer."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from controller.healthcheck import LISTENS, answer, asked
from controller.settings import Settings
from webhook.settings import BridgeSettings

OPERATOR, BRIDGE = ["python", "-m", "controller"], ["python", "-m", "webhook"]


@contextmanager
def answering(status: int, said: bytes) -> Iterator[tuple[str, int]]:
    """A server on loopback that gives one answer to GET /healthz, and 404 to all else."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield "127.0.0.1", server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("before", [[], ["tini", "--"], ["/sbin/docker-init", "--", "tini", "--"]])
def test_operator_and_bridge_are_asked_where_they_listen(before: list[str]) -> None:
    environ = {"METRICS_LISTEN": "10.0.0.5:1", "BRIDGE_LISTEN": "10.0.0.6:2"}
    assert asked([*before, *OPERATOR], environ) == ("10.0.0.5", 1)
    assert asked([*before, *BRIDGE], environ) == ("10.0.0.6", 2)


def test_without_a_setting_where_they_listen_by_default() -> None:
    defaults = {name: setting[1] for name, setting in LISTENS.items()}
    assert defaults["controller"] == Settings.model_fields["metrics_listen"].default
    assert defaults["webhook"] == BridgeSettings.model_fields["bridge_listen"].default
    assert asked(OPERATOR, {"METRICS_LISTEN": ""}) == ("127.0.0.1", 8093)


@pytest.mark.parametrize(
    ("listen", "host"),
    [("0.0.0.0:1", "127.0.0.1"), (":1", "127.0.0.1"), ("[::]:1", "::1"), ("[fd00::1]:1", "fd00::1")],
)
def test_who_listens_everywhere_is_asked_on_loopback(listen: str, host: str) -> None:
    assert asked(BRIDGE, {"BRIDGE_LISTEN": listen}) == (host, 1)


@pytest.mark.parametrize(
    "command",
    [[*OPERATOR, "sweep"], [*BRIDGE, "token"], ["previewcloud", "logs", "pr-1"], ["sh"], ["-m", "json.tool"]],
)
def test_what_serves_nothing_is_not_asked(command: list[str]) -> None:
    assert asked(command, {}) is None


def test_what_answers_ok_is_well_and_all_else_is_told() -> None:
    with answering(200, b"ok") as place:
        assert answer(*place) == ""
    with answering(503, b"the watch of previews is silent") as place:
        assert answer(*place) == f"127.0.0.1:{place[1]} answers 503: the watch of previews is silent"
    assert "does not answer" in answer(*place)

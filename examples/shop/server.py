"""The HTTP server under both services: a thread per connection, keep-alive, and an orderly end.

Environment: PORT (8080); START_DELAY, seconds before it listens (0); DIE_AT_ONCE=1 leaves open
requests unfinished on SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from types import FrameType

DRAIN_SECONDS = 10.0


@dataclass(frozen=True)
class Answer:
    """One response."""

    status: int
    content_type: str
    body: bytes


Page = Callable[[], Answer]


class Server(ThreadingTCPServer):
    """Answers each path with its page and counts the requests that are being answered."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, port: int, pages: Mapping[str, Page]) -> None:
        super().__init__(("", port), Handler)
        self.pages = pages
        self.ending = False
        self._open = 0
        self._changed = threading.Condition()

    def count(self, change: int) -> None:
        """Note that a request began (1) or ended (-1)."""
        with self._changed:
            self._open += change
            self._changed.notify_all()

    def drain(self, seconds: float) -> None:
        """Wait until no request is open, for so many seconds at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._open == 0, timeout=seconds)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    timeout = 120
    counted = False

    def parse_request(self) -> bool:
        """From its first line on, a request is open."""
        self.counted = True
        self.server.count(1)
        return super().parse_request()

    def handle_one_request(self) -> None:
        """Answer one request; written out in full, it is no longer open."""
        try:
            super().handle_one_request()
        finally:
            if self.counted:
                self.counted = False
                self.server.count(-1)

    def do_GET(self) -> None:
        """Answer with the page of this path."""
        page = self.server.pages.get(self.path.partition("?")[0])
        answer = page() if page else Answer(404, "text/plain; charset=utf-8", b"no such page\n")
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("X-Commit", os.environ.get("COMMIT_SHA", ""))
        if self.server.ending:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_HEAD = do_GET

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing about requests that went well."""
        if str(code) >= "400":
            super().log_request(code, size)


def run(pages: Mapping[str, Page]) -> None:
    """Serve until SIGTERM or SIGINT."""
    server: Server | None = None

    def end(_signal: int, _frame: FrameType | None) -> None:
        if os.environ.get("DIE_AT_ONCE") == "1":
            os._exit(0)
        if server is None:
            sys.exit(0)
        server.ending = True
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    time.sleep(float(os.environ.get("START_DELAY", "0")))
    server = Server(int(os.environ.get("PORT", "8080")), pages)
    sys.stdout.write(f"listening on port {server.server_address[1]}\n")
    server.serve_forever(poll_interval=0.05)
    server.socket.close()
    server.drain(DRAIN_SECONDS)
    sys.stdout.write("ended in order\n")

"""What surrounds the Action in tests: a checkout, an event, an API on loopback, a docker that writes down."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from previewcloud.run import main

TOKEN, PASSWORD = "token-of-the-api", "password-of-the-registry"
HEAD, MERGE = "a" * 40, "b" * 40
URLS = {"api": "http://pr-7-acme.api.localhost", "web": "http://pr-7-acme.web.localhost"}

DOCKER = """#!/usr/bin/env python3
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
config = pathlib.Path(os.environ.get("DOCKER_CONFIG", "/nonexistent")) / "config.json"
call = {
    "argv": sys.argv[1:],
    "stdin": sys.stdin.read() if "--password-stdin" in sys.argv else "",
    "inputs": sorted(name for name in os.environ if name.startswith("INPUT_")),
    "config": config.read_text() if config.exists() else None,
    "settings": os.environ.get("DOCKER_CONFIG"),
}
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(call) + "\\n")
print("::add-mask::of a build")
refused = here / ("fails-" + sys.argv[1])
sys.exit(refused.exists())
"""

Json = dict[str, object]


class FastClock:
    """Time that passes only where the Action waits."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@dataclass(frozen=True)
class Asked:
    """One request that the API got."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Json | None


@dataclass
class Service:
    """The API: one preview at most, whose states follow one another with each look at it."""

    states: list[str] = field(default_factory=lambda: ["creating", "running"])
    preview: Json | None = None
    others: list[Json] = field(default_factory=list)
    unnamed: int = 0
    """For so many looks the preview has no id yet."""
    trouble: Json = field(default_factory=dict)
    refusals: list[tuple[int, dict[str, str], Json]] = field(default_factory=list)
    """Answers that are given first, whatever is asked."""
    builds: Json = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def seen(self, method: str, path: str = "") -> list[Asked]:
        return [one for one in self.asked if one.method == method and one.path.startswith(path)]

    def wanted(self) -> Json:
        """The body of the only request for a preview."""
        (one,) = self.seen("POST", "/api/previews")
        assert one.body is not None
        return one.body

    def answer(self, asked: Asked) -> tuple[int, dict[str, str], Json]:
        self.asked.append(asked)
        return self.refusals.pop(0) if self.refusals else self._answer(asked)

    def _answer(self, asked: Asked) -> tuple[int, dict[str, str], Json]:
        match asked.method, asked.path.split("/")[2:]:
            case "POST", ["preview-file"]:
                return 200, {}, {"success": True, "data": {"services": self.builds}}
            case "POST", ["previews"]:
                return self._made(asked.body or {})
            case "GET", ["previews"]:
                return self._listed(asked)
            case "GET", ["previews", "pr-7", *_] if self.preview:
                return 200, {}, {"success": True, "data": self._next()}
            case "DELETE", ["previews", "pr-7"] if self.preview:
                self.states = ["destroying", "gone"]
                return 200, {}, {"success": True, "data": self.preview}
        return 404, {}, failure("NotFound", "There is no such preview.")

    def _made(self, body: Json) -> tuple[int, dict[str, str], Json]:
        named = self.unnamed == 0
        self.preview = {
            "previewId": "pr-7" if named else None,
            "prNumber": body.get("prNumber"),
            "branch": body.get("branch"),
            "status": "pending",
            "urls": {},
        }
        return (201 if named else 202), {}, {"success": True, "data": self.preview if named else None}

    def _listed(self, asked: Asked) -> tuple[int, dict[str, str], Json]:
        if self.preview and self.unnamed:
            self.unnamed -= 1
            self.preview["previewId"] = None if self.unnamed else "pr-7"
        found = [*self.others, *([self.preview] if self.preview else [])]
        page, size = (int(asked.query[name][0]) for name in ("page", "pageSize"))
        pages = max(1, -(-len(found) // size))
        pagination = {"page": page, "pageSize": size, "pages": pages}
        part = found[(page - 1) * size : page * size]
        return 200, {}, {"success": True, "data": part, "count": len(found), "pagination": pagination}

    def _next(self) -> Json:
        assert self.preview is not None
        status = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if self.states == ["gone"]:
            self.preview, gone = None, self.preview
            return gone | {"status": status}
        self.preview |= {"status": status, **self.trouble}
        if status == "running":
            self.preview["urls"] = URLS
        return self.preview


def failure(code: str, message: str, **more: str) -> Json:
    return {"success": False, "error": {"code": code, "message": message, **more}}


@contextmanager
def serving(service: Service) -> Iterator[None]:
    """Serve the API on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(
                self.command,
                parts.path,
                parse_qs(parts.query),
                dict(self.headers),
                json.loads(raw) if raw else None,
            )
            status, headers, body = service.answer(asked)
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _serve

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def pull_request(action: str = "opened", fork: bool = False) -> Json:
    """The payload of a pull_request event, as far as the Action looks at it."""
    head = {"ref": "add-products", "sha": HEAD, "repo": {"full_name": "eve/shop" if fork else "Acme/Shop"}}
    return {
        "action": action,
        "pull_request": {"number": 7, "head": head},
        "repository": {"clone_url": "https://github.com/Acme/Shop.git"},
    }


class Stage:
    """One run's surroundings, below a directory."""

    def __init__(self, root: Path, service: Service) -> None:
        self.root, self.service = root, service
        self.workspace = root / "checkout"
        self.workspace.mkdir()
        self.bin = root / "bin"
        self.bin.mkdir()
        (self.bin / "docker").write_text(DOCKER)
        (self.bin / "docker").chmod(0o755)
        self.clock = FastClock()
        self.environ = {
            "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(root),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_REPOSITORY": "Acme/Shop",
            "GITHUB_SHA": MERGE,
            "GITHUB_OUTPUT": str(root / "output"),
            "GITHUB_STEP_SUMMARY": str(root / "summary"),
            "INPUT_API_TOKEN": TOKEN,
            "INPUT_API_URL": service.url,
        }
        self.event("pull_request", pull_request())

    def event(self, name: str, payload: Json, ref: str = "refs/pull/7/merge") -> None:
        path = self.root / "event.json"
        path.write_text(json.dumps(payload))
        self.environ |= {
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_REF": ref,
        }

    def inputs(self, **values: str) -> None:
        self.environ |= {f"INPUT_{name.upper()}": value for name, value in values.items()}

    def file(self, path: str, text: str = "") -> None:
        target = self.workspace / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def commit(self) -> str:
        """Make the checkout one of git's; gives its commit."""
        git = ("git", "-C", str(self.workspace), "-c", "user.name=a", "-c", "user.email=a@b.c")
        for arguments in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "x")):
            subprocess.run([*git, *arguments], check=True)
        found = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
        return found.stdout.strip()

    def run(self) -> int:
        return main(self.environ, clock=self.clock)

    def outputs(self) -> dict[str, str]:
        """The outputs as the runner reads them."""
        return read_outputs(self.root / "output")

    def docker_calls(self) -> list[Json]:
        calls = self.bin / "calls"
        return [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []

    def docker_fails(self, verb: str) -> None:
        (self.bin / f"fails-{verb}").touch()


def read_outputs(path: Path) -> dict[str, str]:
    """A file of outputs as the runner reads it: each value ends at the first line that is its delimiter."""
    return dict(_entries(iter(path.read_text().split("\n"))))


def _entries(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if line:
            name, _, delimiter = line.partition("<<")
            until: Callable[[str], bool] = delimiter.__ne__
            yield name, "\n".join(_until(lines, until))


def _until(lines: Iterator[str], goes_on: Callable[[str], bool]) -> Iterator[str]:
    for line in lines:
        if not goes_on(line):
            return
        yield line

"""A world of twins around the real core: cluster, engine, databases, sources, router and a clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.api.names import PreviewKey
from controller.api.preview import Preview
from controller.api.status import PreviewStatus
from controller.build.memory import MemoryBuilder
from controller.clock import Clock
from controller.cluster.memory import MemoryCluster
from controller.core.actions import Action
from controller.core.execute import Backends, Limits, Moment
from controller.core.gather import Sources
from controller.core.inputs import Rules
from controller.core.reconcile import Reconciler
from controller.core.status import patch
from controller.core.work import Memory, Outcome
from controller.databases.memory import MemoryDatabases
from controller.lifecycle.memory import MemoryLifecycle
from controller.lifecycle.protocol import RUN, Course, Reason, Verdict
from controller.logs.memory import MemorySink, Unread
from controller.reporter import Ears, Hooks, Reporter
from controller.routing.memory import MemoryRouter
from controller.routing.protocol import Probe, ProbeState
from controller.runtime.memory import MemoryRuntime
from controller.slugs import Slugs
from controller.source.memory import MemorySource

COMMIT_A, COMMIT_B, COMMIT_C, COMMIT_D = "a" * 40, "b" * 40, "c" * 40, "d" * 40
FILE = b"""
services:
  web: {dockerfile: Dockerfile, context: web, port: 8080, dependsOn: [api], env: {API: "${API_INTERNAL_URL}"}}
  api: {context: api, port: 9000, public: false, env: {DB: "${DATABASE_URL}"}}
database: {type: postgres, migrations: ./migrations}
"""
FILES = {
    "preview.yaml": FILE,
    "web/Dockerfile": b"FROM x\n",
    "api/Dockerfile": b"FROM x\n",
    "migrations/001_items.sql": b"create table items ();\n",
}
KEY = PreviewKey("default", "pr-1")
OnAction = Callable[[Action, Moment], Awaitable[None]]


class Roomy:
    """There is always room."""

    async def require(self) -> None:
        return


class TestClock:
    """Moves only when somebody sleeps."""

    __test__ = False

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.time.replace(microsecond=0)

    def instant(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.time += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class Quiet(Reporter):
    """A reporter that writes no progress: what is tested is the end."""

    def _show_when_it_lasts(self) -> None:
        return None


class World:
    """Everything, and one operator in it; `restart` gives it a new operator with an empty memory."""

    def __init__(self, neighbour: World | None = None) -> None:
        self.installation = "other" if neighbour else "test"
        engine = neighbour.runtime.engine if neighbour else None
        server = neighbour.postgres.server if neighbour else None
        self.cluster = self.make_cluster()
        self.runtime = MemoryRuntime(self.installation, engine=engine)
        self.builder = MemoryBuilder(self.runtime)
        self.postgres = MemoryDatabases(self.installation, server=server, on_step=self._step)
        self.mysql = MemoryDatabases(self.installation, on_step=self._step, transactional=False)
        self.source = MemorySource()
        self.source.add("acme/shop", COMMIT_A, FILES)
        self.source.add("acme/shop", COMMIT_B, FILES)
        self.source.add("acme/shop", COMMIT_C, FILES)
        self.clock = self.make_clock()
        self.sink = MemorySink()
        self.lifecycle = MemoryLifecycle()
        self.on_action: OnAction | None = None
        self.on_step: Callable[[str], None] = lambda _: None
        self.password = "secret-password-1"
        self.restart()

    def make_cluster(self) -> MemoryCluster:
        return MemoryCluster()

    def make_clock(self) -> Clock:
        return TestClock()

    def restart(self) -> None:
        """A new operator: nothing is remembered but what the world itself holds."""
        self.router = MemoryRouter(
            lambda name: Probe(ProbeState.READY if self.runtime.ready(name) else ProbeState.REFUSED)
        )
        self.router.settle()
        backends = Backends(
            self.cluster,
            self.runtime,
            self.builder,
            {"postgres": self.postgres, "mysql": self.mysql},
            self.router,
            self.clock,
            Limits(start_timeout=10, confirm_timeout=5),
            Unread(),
            self.lifecycle,
            Roomy(),
        )
        sources = Sources(self.cluster, self.source, backends.databases, self._password, self._line)
        self.backends = backends
        self.reconciler = Reconciler(backends, sources, Rules(self.installation, "localhost"))
        self.memory: dict[PreviewKey, Memory] = {}
        self.slugs = Slugs()
        self.slugs.adopt(p for key in self.cluster.bodies if (p := self.cluster.read(key)) is not None)

    def _password(self) -> str:
        return self.password

    def _step(self, step: str) -> None:
        self.on_step(step)

    async def _line(self, salt: str, password: str) -> str:
        return f"preview:{salt}"

    def apply(self, commit: str = COMMIT_A, name: str = "pr-1", **spec: Any) -> PreviewKey:
        """Create a Preview, or change its spec."""
        source = {
            "repository": "acme/shop",
            "cloneURL": "https://git.test/acme/shop.git",
            "pullRequest": 1,
            "trust": "trusted",
            "commit": commit,
            **spec.pop("source", {}),
        }
        key = PreviewKey("default", name)
        body = self.cluster.bodies.get(key) or {
            "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}", "generation": 0}
        }
        body["metadata"]["generation"] += 1
        body["spec"] = {"source": source, **spec}
        self.cluster.put(body)
        return key

    def wish(self, annotation: str, value: str, key: PreviewKey = KEY) -> None:
        """Annotate it."""
        self.cluster.bodies[key]["metadata"].setdefault("annotations", {})[annotation] = value

    def delete(self, key: PreviewKey = KEY) -> None:
        """Ask for its deletion; what nobody holds is gone at once."""
        if not self.read(key).held:
            del self.cluster.bodies[key]
            self.slugs.release(key)
            return
        self.cluster.bodies[key]["metadata"]["deletionTimestamp"] = "2026-01-02T00:00:00Z"
        self.cluster.bodies[key]["metadata"]["generation"] += 1

    def read(self, key: PreviewKey = KEY) -> Preview:
        """The Preview as it stands."""
        preview = self.cluster.read(key)
        assert preview is not None
        return preview

    async def reconcile(self, key: PreviewKey = KEY) -> Outcome:
        """One pass, as a worker does it: claim, run, write."""

        preview = self.read(key)
        slug = self.slugs.take(preview)
        if not preview.deleting and (preview.slug != slug or not preview.held):
            await self.cluster.claim(preview, slug)
            preview = self.read(key)
        ears = Ears(self.sink, self.clock, self.on_action)
        written = [preview.status]

        async def write(status: PreviewStatus) -> None:
            self._step("status")
            await self.cluster.patch_status(preview, patch(status))
            written.append(status)
            self._step("status written")

        hooks = Hooks(write, lambda: None, lambda memory: self.memory.update({key: memory}))
        reporter = Quiet(preview, slug, ears, hooks)
        outcome = await self.reconciler.run(preview, slug, self.memory.get(key, Memory()), reporter)
        self.memory[key] = outcome.memory
        if outcome.released:
            await self.cluster.release(preview)
            self.slugs.release(key)
        elif outcome.status != written[-1]:
            await self.cluster.patch_status(preview, patch(outcome.status))
        return outcome

    async def settle(self, key: PreviewKey = KEY) -> list[str]:
        """Passes until one does nothing; what all of them did. A pass that fails ends it as well."""
        done: list[str] = []
        for _ in range(4):
            before = len(done)
            with self.listening(done):
                outcome = await self.reconcile(key)
            if outcome.error is not None or outcome.released or len(done) == before:
                return done
        raise AssertionError(f"no rest after four passes: {done}")

    @contextmanager
    def listening(self, done: list[str]) -> Iterator[None]:
        """Collect the actions that are carried out."""

        before = self.on_action

        async def on_action(action: Action, moment: Moment) -> None:
            if moment is Moment.BEFORE:
                done.append(str(action))
            if before is not None:
                await before(action, moment)

        self.on_action = on_action
        try:
            yield
        finally:
            self.on_action = before

    def decide(
        self, course: Course = Course.RUN, reason: Reason | None = None, key: PreviewKey = KEY, **fields: Any
    ) -> None:
        """What becomes of it from now on."""
        usual = {Course.SLEEP: Reason.IDLE, Course.QUEUE: Reason.PREVIEW_LIMIT, Course.EXPIRE: Reason.IDLE}
        said = {"message": f"It is to {course}.", **fields}
        verdict = Verdict(course, reason or usual.get(course, Reason.TOO_BIG), **said)
        self.lifecycle.verdicts[key] = RUN if course is Course.RUN else verdict

    def told(self, key: PreviewKey = KEY) -> dict[str, Any]:
        """What the status says, without times."""
        status = self.read(key).status
        return {
            "phase": status.phase,
            "commit": status.commit,
            "url": status.url,
            "database": status.database,
            "services": status.services,
            "conditions": {str(c.type): (str(c.status), c.reason) for c in status.conditions},
        }

    def snapshot(self) -> dict[str, Any]:
        """All that is there, in comparable form."""
        engine = self.runtime.engine
        return {
            "containers": {n: (c.state, sorted(c.networks)) for n, c in sorted(engine.containers.items())},
            "networks": sorted(engine.networks),
            "images": sorted(engine.images),
            "databases": {
                n: [a.name for a in d.ledger] for n, d in sorted(self.postgres.server.databases.items())
            },
            "roles": sorted(self.postgres.server.roles),
            "registry": sorted(self.postgres.registry),
            "secrets": sorted(name for _, name in self.cluster.secrets),
            "routes": sorted((r.host, r.instance) for r in self.router.table.routes()),
            "previews": sorted(map(str, self.cluster.bodies)),
        }

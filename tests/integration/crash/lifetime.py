"""One Preview's life on real parts: created, updated and deleted, with the operator killed on the way."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from pathlib import Path

from controller.api.names import SLUG_ANNOTATION
from tests.integration.crash.points import Flow, Life
from tests.integration.crash.state import State, differences, state_of
from tests.integration.operator.api import Json
from tests.integration.operator.app import files as app_files
from tests.integration.operator.app import image
from tests.integration.operator.polling import until
from tests.integration.operator.process import QUICK, Operator
from tests.integration.operator.space import Space, visit

MODULE = "tests.integration.crash.operator"
NAME = "shop"
DIES_SECONDS, SETTLES_SECONDS, ANSWERS_SECONDS = 60.0, 90.0, 10.0
SMALL = {"cpu": "250m", "memory": "64Mi"}
FIRST = b"CREATE TABLE item (name text);\nINSERT INTO item VALUES ('first');\n"
SECOND = b"INSERT INTO item VALUES ('second');\n"


class Lifetimes:
    """Lives one after the other, all of the same Preview."""

    def __init__(self, space: Space, folder: Path) -> None:
        self._space = space
        self._journal, self._armed = folder / "journal", folder / "armed"
        settings = {
            **QUICK,
            "STOP_GRACE": "1",
            "RETIRE_DELAY": "0.2",
            "WATCH_NAMESPACE": space.namespace,
            "LOG_STORE_URL": f"sqlite:///{folder / 'logs.db'}",
            "CACHE_DIR": str(folder / "cache"),
            "CRASH_JOURNAL": str(self._journal),
            "CRASH_ARMED": str(self._armed),
        }
        self.operator = Operator(folder / "operator.log", settings, MODULE)
        repository = space.repository()
        self._commits = {
            Flow.CREATE: repository.commit(tree({"001.sql": FIRST})),
            Flow.UPDATE: repository.commit(tree({"001.sql": FIRST, "002.sql": SECOND})),
        }
        self._source: Json = space.source(repository, self._commits[Flow.CREATE])
        self._slug = f"pr-{self._source['pullRequest']}"
        port = space.env["PREVIEW_PORT"]
        self._url = f"http://{self._slug}-acme.web.{space.env['PREVIEW_DOMAIN']}:{port}"
        self._journal.touch()

    async def undisturbed(self) -> tuple[dict[Flow, State], dict[Flow, list[str]]]:
        """A life without a kill: what is there after each flow, and every moment of it."""
        states: dict[Flow, State] = {}
        moments: dict[Flow, list[str]] = {}
        for flow in Flow:
            before = len(self._lines())
            states[flow] = await self._live(flow, None)
            moments[flow] = self._lines()[before:]
        return states, moments

    async def killed(self, life: Life, expected: Mapping[Flow, State]) -> list[str]:
        """A life with kills in it; gives what came out differently."""
        wrong: list[str] = []
        for flow in Flow:
            point = life.get(flow)
            try:
                found = await self._live(flow, point.number if point else None)
            except AssertionError as error:
                self._armed.unlink(missing_ok=True)
                await self._start_over()
                return [*wrong, f"killed at {point}: {error}\n{self.operator.tail()}"]
            told = differences(expected[flow], found)
            wrong += [f"killed at {point}: " + "\n  ".join(told)] if told else []
        return wrong

    async def _live(self, flow: Flow, point: int | None) -> State:
        if point is not None:
            self._armed.write_text(str(point))
        await self._begin(flow)
        if point is not None:
            ended = await until(self.operator.exit_code, DIES_SECONDS, lambda code: code is not None)
            assert ended == -signal.SIGKILL, f"the operator ended with {ended}\n{self.operator.tail()}"
            self.operator.kill()
            self.operator.start()
        await self._reached(flow)
        return await state_of(self._space, NAME, self._slug)

    async def _begin(self, flow: Flow) -> None:
        if flow is Flow.CREATE:
            await self._space.create(NAME, {"source": self._source})
        elif flow is Flow.UPDATE:
            await self._space.push(NAME, self._commits[flow])
        else:
            await self._space.delete(NAME)

    async def _reached(self, flow: Flow) -> None:
        """Wait until what was asked for is there, in the status and under the URL."""
        if flow is Flow.DELETE:
            await self._space.gone(NAME, SETTLES_SECONDS)
            # There is no bridge here: the proxy itself answers where nothing serves.
            await until(lambda: visit(self._url), ANSWERS_SECONDS, lambda answer: answer.status == 502)
            return
        seen = await self._space.ready(NAME, SETTLES_SECONDS)
        assert seen.status["url"] == self._url
        assert seen.body["metadata"]["annotations"][SLUG_ANNOTATION] == self._slug
        await self._answers("/", f"web {self._commits[flow]}")
        await self._answers("/ask/api:8080", f"api {self._commits[flow]}")

    async def _answers(self, path: str, body: str) -> None:
        await until(
            lambda: visit(self._url, path),
            ANSWERS_SECONDS,
            lambda answer: answer.status == 200 and answer.body == body,
        )

    async def _start_over(self) -> None:
        self.operator.kill()
        self.operator.start()
        await self._space.delete(NAME)
        await self._space.gone(NAME, SETTLES_SECONDS)

    async def close(self) -> None:
        """Leave nothing behind."""
        self._armed.unlink(missing_ok=True)
        try:
            if await self._space.look(NAME) is not None:
                await self._start_over()
            await self._space.close()
        finally:
            self.operator.stop()

    def _lines(self) -> list[str]:
        return self._journal.read_text().splitlines()


def tree(migrations: Mapping[str, bytes]) -> dict[str, bytes]:
    """Two services, one of them built, and a database."""
    services = {
        "web": {"port": 8080, "dependsOn": ["api"], "resources": SMALL},
        "api": {"image": image(), "port": 8080, "public": False, "resources": SMALL},
    }
    preview = {"services": services, "database": {"type": "postgres", "migrations": "migrations"}}
    scripts = {f"migrations/{name}": content for name, content in migrations.items()}
    return {**app_files(), "preview.yaml": json.dumps(preview).encode(), **scripts}

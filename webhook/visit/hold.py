"""Hold: wait until what a request is for serves again, or until that is no use.

asleep ──▶ wish ──▶ waking ──▶ running, with the instance's name ──▶ go on
   └── failed, queued, expired, gone; too late; the bridge ends ──▶ Unheld, with what is to be said
"""

from __future__ import annotations

import asyncio

from controller.clock import Clock
from webhook.cluster.protocol import Cluster
from webhook.visit.state import State, comes_back, instance_of, state_of
from webhook.visit.target import Target
from webhook.visit.wake import Waker
from webhook.visit.words import Said, said_of, unheld

AGAIN_SECONDS = 0.5
"""After a wish that failed."""


class Unheld(Exception):
    """It is not held any longer; `said` is the answer."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.text)
        self.said = said


class Hold:
    """Waits.

    Args:
        cluster: tells how previews are, and when they change.
        waker: asks them to wake.
        clock: measures how long.
    """

    def __init__(self, cluster: Cluster, waker: Waker, clock: Clock) -> None:
        self._cluster = cluster
        self._waker = waker
        self._clock = clock
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Nothing is held any more; what is, ends now."""
        self._ending.set()

    async def serving(self, target: Target, deadline: float) -> tuple[Target, str]:
        """The target as it is once something serves it, and the instance that does.

        Args:
            target: whom the request is for.
            deadline: until when (monotonic).

        Raises:
            Unheld: there will be none soon.
        """
        assert target.preview is not None
        key = target.preview.key
        while True:
            preview = self._cluster.by_key(key)
            state = state_of(preview)
            now = Target(preview, target.service, target.own)
            if preview is None or not comes_back(preview, state):
                raise Unheld(said_of(now, state))
            self.check(now, state, deadline)
            instance = instance_of(preview, target.service)
            if instance is not None:
                return now, instance
            if state is State.ASLEEP:
                await asyncio.shield(self._waker.ask(preview))
                await self.change(now, AGAIN_SECONDS)
            else:
                await self.change(now, deadline - self._clock.monotonic())

    def check(self, target: Target, state: State, deadline: float) -> None:
        """Raises Unheld when it is too late."""
        if self._ending.is_set():
            raise Unheld(unheld(said_of(target, state), "The platform is being restarted."))
        if self._clock.monotonic() >= deadline:
            raise Unheld(unheld(said_of(target, state), "That took too long for this request."))

    async def change(self, target: Target, seconds: float) -> None:
        """Come back once the Preview is another than here, when the bridge ends, or after some seconds."""
        assert target.preview is not None
        key = target.preview.key
        waits = (
            asyncio.ensure_future(self._cluster.changed(key, seconds)),
            asyncio.ensure_future(self._ending.wait()),
        )
        try:
            await asyncio.sleep(0)  # both listen from here on; what changed meanwhile is seen at once
            if self._cluster.by_key(key) is target.preview:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

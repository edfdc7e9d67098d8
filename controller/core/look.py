"""Look: what is there of a preview, asked from engine, database servers and cluster. Changes nothing but
the router's page.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from controller.api import names
from controller.core.desired import Desired, desired
from controller.core.execute import Backends
from controller.core.inputs import Inputs, Rules
from controller.core.observed import Observed, Served, Target, live_revision, usable
from controller.core.show import live_routes, page_state, waiting_routes
from controller.core.work import Pass
from controller.databases.protocol import DatabaseClaim, DatabaseState
from controller.runtime.protocol import ImageInfo


class Look:
    """The observing half of a pass."""

    def __init__(self, backends: Backends, rules: Rules) -> None:
        self._backends = backends
        self._rules = rules

    async def both(self, work: Pass, inputs: Inputs) -> tuple[Desired, Observed]:
        """What should be and what is; the images that the one names are looked up for the other."""
        draft = desired(inputs, self._rules)
        images = await self.images(draft)
        wanted = desired(replace(inputs, images=images), self._rules)
        return wanted, await self.at(work, wanted, images)

    async def at(self, work: Pass, wanted: Desired, images: dict[str, ImageInfo]) -> Observed:
        """What is there, and show what of it serves."""
        runtime, (database, kind, stored) = await asyncio.gather(
            self._backends.runtime.observe(work.preview.key), self._database(work, wanted)
        )
        observed = Observed(
            runtime=runtime, images=images, database=database, database_type=kind, credentials_stored=stored
        )
        if wanted.empty:
            return replace(observed, published=work.memory.published)
        return self.show(work, observed, wanted)

    async def images(self, wanted: Desired) -> dict[str, ImageInfo]:
        """Of the images that are wanted, those that the engine has."""
        references = sorted({image.reference for image in wanted.images})
        found = await asyncio.gather(*(self._backends.runtime.image(reference) for reference in references))
        return {
            reference: info for reference, info in zip(references, found, strict=True) if info is not None
        }

    def show(self, work: Pass, observed: Observed, wanted: Desired | None) -> Observed:
        """Tell the router what serves now; where nothing does, the platform's own page answers."""
        served = Served(work.status.commit, frozenset(service.name for service in work.status.services))
        observed = replace(observed, published=work.memory.published)
        target = None
        if wanted is not None:
            target = Target(wanted.revision, frozenset(image.service for image in wanted.images))
        live = live_revision(observed, served, target)
        work.remember(replace(work.memory, published=live))
        work.serving = live is not None and any(usable(i) for i in observed.of_revision(live))
        router, page = self._backends.router, page_state(work.status)
        if live is not None:
            router.publish(work.preview.key, live_routes(observed, live), page)
        elif wanted is not None:
            router.publish(work.preview.key, waiting_routes(wanted), page)
        if live is not None or (wanted is not None and not observed.runtime.instances):
            work.report.shown()
        return replace(observed, published=live)

    def progress(self, work: Pass, step: str) -> None:
        """Where nothing serves yet, the platform's own page says what is being done."""
        wanted = work.wanted
        if wanted is None or wanted.empty or work.memory.published is not None:
            return
        page = replace(page_state(work.status), step=step)
        self._backends.router.publish(work.preview.key, waiting_routes(wanted), page)

    async def _stored(self, work: Pass, wanted: Desired) -> bool:
        """The Secret with the database's login is there: the right one, or any of ours that has to go."""
        name = names.database_secret_name(work.preview.metadata.name)
        secret = await self._backends.cluster.secret(work.preview.metadata.namespace, name)
        if secret is None or secret.labels.get(names.PREVIEW_LABEL) != work.preview.metadata.name:
            return False
        if wanted.database is None:
            return True
        same = secret.data.get("password") == wanted.database.credentials.password
        return same and secret.owner_uid == work.preview.metadata.uid

    async def _database(self, work: Pass, wanted: Desired) -> tuple[DatabaseState | None, str, bool]:
        """The preview's database, the kind of server that has it, and whether its Secret is there.

        Where none is wanted, the Secret tells whether there may be one: it comes first and goes last. A
        deletion looks everywhere.
        """
        claim = DatabaseClaim(names.database_name(work.slug), work.preview.key, work.slug)
        servers = self._backends.databases
        if wanted.database is not None:
            kind = str(wanted.database.type)
            state, stored = await asyncio.gather(servers[kind].observe(claim), self._stored(work, wanted))
            return state, kind, stored
        if work.no_database and not wanted.empty:
            return None, "", False
        stored = await self._stored(work, wanted)
        known = work.status.database.type if work.status.database else None
        work.no_database = not stored and known is None
        for kind, server in sorted(servers.items()):
            if kind == known or stored or wanted.empty:
                state = await server.observe(claim)
                if state.exists or state.claimed:
                    return state, kind, stored
        return None, "", stored

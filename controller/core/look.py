"""Look: what is there of a preview, asked from engine, database servers and cluster. Changes nothing but
the router's page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from controller.api import names
from controller.api.errors import BackendUnavailable, PreviewError
from controller.api.status import ConditionType
from controller.core.databases import check_known, choose, inputs_of, kinds_in
from controller.core.desired import Desired, desired
from controller.core.execute import Backends
from controller.core.inputs import DatabaseInputs, Inputs, Rules
from controller.core.observed import Observed, Served, StoredSecret, Target, live_revision, usable
from controller.core.show import live_routes, page_routes, waiting_routes
from controller.core.work import Pass
from controller.databases.protocol import DatabaseState
from controller.runtime.protocol import ImageInfo


@dataclass(frozen=True)
class FoundDatabases:
    """A preview's databases by the kind of server, and the Secret with their logins."""

    databases: Mapping[str, tuple[DatabaseState, ...]] = field(default_factory=dict)
    secret: StoredSecret | None = None


class Look:
    """The observing half of a pass."""

    def __init__(self, backends: Backends, rules: Rules) -> None:
        self._backends = backends
        self._rules = rules

    async def both(self, work: Pass, inputs: Inputs) -> tuple[Desired, Observed]:
        """What should be and what is; images and databases that the one names are looked up for the other."""
        draft = desired(inputs, self._rules)
        kinds = frozenset(asked.type for asked in inputs.asked)
        images, found, runtime = await asyncio.gather(
            self.images(draft), self._databases(work, kinds), self._backends.runtime.observe(work.preview.key)
        )
        databases = self._chosen(work, inputs, found)
        wanted = desired(replace(inputs, images=images, databases=databases), self._rules)
        observed = Observed(runtime=runtime, images=images, databases=found.databases, secret=found.secret)
        return wanted, self.show(work, observed, wanted)

    async def again(self, work: Pass) -> Observed:
        """What runs by now, as it is shown."""
        runtime = await self._backends.runtime.observe(work.preview.key)
        return self.show(work, Observed(runtime=runtime), None)

    async def left(self, work: Pass) -> Observed:
        """What is left of a preview that should be gone."""
        found, runtime = await asyncio.gather(
            self._databases(work, frozenset()), self._backends.runtime.observe(work.preview.key)
        )
        return Observed(
            runtime=runtime,
            databases=found.databases,
            secret=found.secret,
            published=work.memory.published,
        )

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
        usable_now = live is not None and any(usable(i) for i in observed.of_revision(live))
        work.serving = usable_now and not work.asleep
        router = self._backends.router
        if live is not None:
            shown = page_routes if work.asleep else live_routes
            router.publish(work.preview.key, shown(observed, live))
        elif wanted is not None:
            router.publish(work.preview.key, waiting_routes(wanted))
        if live is not None or (wanted is not None and not observed.runtime.instances):
            work.report.shown()
        return replace(observed, published=live)

    def _chosen(self, work: Pass, inputs: Inputs, found: FoundDatabases) -> tuple[DatabaseInputs, ...]:
        """Which generation of each database it should be."""
        work.stage = ConditionType.DATABASE_READY
        chosen = []
        for asked in inputs.asked:
            states = found.databases.get(asked.type, ())
            check_known(asked, inputs.slug, states, work.status.all_databases())
            claim = choose(asked, inputs.preview, inputs.slug, states, self._rules.changed_migrations)
            chosen.append(inputs_of(asked, claim, self._backends.databases[asked.type]))
        work.stage = ConditionType.IMAGES_READY
        return tuple(chosen)

    async def _databases(self, work: Pass, kinds: frozenset[str]) -> FoundDatabases:
        """The preview's databases on these kinds of servers, and wherever else it may have any.

        The Secret comes first and goes last, and tells of every kind. A server on which a preview has nothing
        is not asked, so that one that is down holds up nobody else; but a preview of which nothing is known
        (its resource was restored) is looked for everywhere before it is let go.
        """
        if not kinds and work.no_database and not work.preview.deleting:
            return FoundDatabases()
        secret = await self._secret(work)
        status = work.preview.status
        known = {database.type for database in status.all_databases()}
        known |= kinds_in(secret.data) if secret else set()
        work.no_database = not kinds and not known and secret is None
        servers = self._backends.databases
        if work.preview.deleting and not known and status.observed_generation is None:
            known |= servers.keys()
        asked = sorted(kinds | known)
        if missing := [kind for kind in asked if kind not in servers]:
            raise BackendUnavailable(
                "DatabaseServerMissing",
                f"The preview has a database on a {missing[0]} server, and none is configured here any more; "
                "configure it again.",
            )
        try:
            states = await asyncio.gather(*(servers[kind].observe(work.preview.key) for kind in asked))
        except PreviewError:
            work.stage = ConditionType.DATABASE_READY
            raise
        return FoundDatabases(dict(zip(asked, states, strict=True)), secret)

    async def _secret(self, work: Pass) -> StoredSecret | None:
        """The Secret with the logins of this preview's databases."""
        metadata = work.preview.metadata
        secret = await self._backends.cluster.secret(
            metadata.namespace, names.database_secret_name(metadata.name)
        )
        if secret is None or secret.labels.get(names.PREVIEW_LABEL) != metadata.name:
            return None
        return StoredSecret(secret.data, owned=secret.owner_uid == metadata.uid)

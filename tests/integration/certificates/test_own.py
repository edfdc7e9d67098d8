"""A certificate of one's own for all previews: served, exchanged at work, kept when its files break."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.api.errors import InvalidSpec
from controller.certificates import CertificateFiles
from controller.clock import WallClock
from controller.health import Health
from controller.routing.serve import open_routing
from controller.routing.settings import Certificates
from tests.integration.certificates.site import DOMAIN, Hosted, Seen, Site, site
from tests.integration.routing.polling import eventually
from tests.integration.routing.previews import go_live
from tests.standin.authority import Authority

WILDCARD = f"*.{DOMAIN}"


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path) as found:
        yield found


async def test_a_wildcard_certificate_is_served_and_exchanged_while_everything_runs(
    secure: Site, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    cert_file, key_file = authority.issue(WILDCARD)
    files = CertificateFiles(cert_file, key_file, WallClock())
    awake, asleep = Hosted(), Hosted()
    spec = awake.instance("a")
    await asyncio.to_thread(secure.start, spec)
    started = secure.client.containers.get(secure.installation.names.traefik).attrs["State"]["StartedAt"]

    async def served(preview: Hosted, other_than: str = "") -> Seen:
        seen = await eventually(
            lambda: secure.visit(preview.host, authority.file),
            lambda seen: seen is not None and seen.serial != other_than,
        )
        assert seen is not None
        return seen

    certificates = Certificates(previews=files)
    async with open_routing(secure.settings, Health(WallClock()), None, certificates) as routing:
        routing.router.settle()
        await go_live(routing.router, awake, spec.name)
        routing.router.publish(asleep.key, asleep.route(None))
        first = await served(awake)
        assert (first.status, spec.name in first.body) == (200, True)
        # Where nothing runs, it stands before the bridge's page too.
        assert (await served(asleep)).serial == first.serial

        authority.issue(WILDCARD)
        await files.refresh()
        second = await served(awake, other_than=first.serial)

        key_file.write_text("broken")
        await files.refresh()
        with pytest.raises(InvalidSpec, match=r"server-key\.pem"):
            await files.check()
        assert (await served(awake)).serial == second.serial
    now = secure.client.containers.get(secure.installation.names.traefik).attrs["State"]["StartedAt"]
    assert now == started

"""Certificates ordered by ACME: a preview answers by https with one that pebble issued for its host."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from controller.clock import WallClock
from controller.health import Health
from controller.routing.serve import open_routing
from tests.integration.certificates.pebble import Pebble, pebble
from tests.integration.certificates.site import Hosted, Seen, Site, site
from tests.integration.engine.installation import Installation
from tests.integration.routing.polling import eventually
from tests.integration.routing.previews import go_live

Ordering = Callable[..., tuple[Site, Pebble]]


@pytest.fixture
def order(tmp_path: Path) -> Iterator[Ordering]:
    """Prepares an installation that orders its certificates from a pebble of its own."""
    installation = Installation(tmp_path)
    with ExitStack() as stack:

        def ordering(*options: str, cert_resolver: str) -> tuple[Site, Pebble]:
            server = stack.enter_context(pebble(tmp_path, installation.http))
            acme = ("--acme-email", "ops@previews.test", "--acme-server", server.directory)
            more = ("--acme-ca-file", str(server.ca), "--acme-resolver", "le", "--redirect-https", *options)
            found = site(tmp_path, *acme, *more, installation=installation, cert_resolver=cert_resolver)
            return stack.enter_context(found), server

        yield ordering


async def test_a_preview_answers_with_a_certificate_that_was_issued_for_it(
    order: Ordering, tmp_path: Path
) -> None:
    found, server = await asyncio.to_thread(order, cert_resolver="le")
    preview = Hosted()
    spec = preview.instance("a")
    await asyncio.to_thread(found.start, spec)
    async with open_routing(found.settings, Health(WallClock())) as routing:
        routing.router.settle()
        # Confirmed whether or not the certificate is there already.
        await go_live(routing.router, preview, spec.name)
        root = await asyncio.to_thread(server.root, tmp_path / "root.pem")
        seen = await eventually(lambda: found.visit(preview.host, root), lambda answer: answer is not None)
        assert isinstance(seen, Seen)
        assert (seen.status, spec.name in seen.body) == (200, True)
        redirect = await asyncio.to_thread(found.plain, preview.host, "/a?b=c")
        assert redirect.status_code in {301, 302, 307, 308}
        assert redirect.headers["Location"] == f"https://{preview.host}:{found.https}/a?b=c"
        # No certificate is ordered for what a stranger names.
        assert await found.visit(f"nobody.{preview.host}", root) is None
        # A new container of Traefik's has what the one before ordered.
        found.client.containers.get(found.installation.names.traefik).remove(force=True)
        await asyncio.to_thread(found.installation.prepare)
        again = await eventually(lambda: found.visit(preview.host, root), lambda answer: answer is not None)
        assert again is not None
        assert again.serial == seen.serial


async def test_what_is_added_to_traefiks_configuration_says_which_names_are_ordered(
    order: Ordering, tmp_path: Path
) -> None:
    preview = Hosted()
    named = {"certResolver": "le", "domains": [{"main": preview.host}]}
    more = tmp_path / "traefik.yml"
    more.write_text(json.dumps({"entryPoints": {"websecure": {"http": {"tls": named}}}}))
    found, server = await asyncio.to_thread(order, "--traefik-config-file", str(more), cert_resolver="")
    # The routers say nothing of TLS: what the entry point says holds.
    async with open_routing(replace(found.settings, tls=False), Health(WallClock())) as routing:
        routing.router.publish(preview.key, preview.route(None))
        routing.router.settle()
        root = await asyncio.to_thread(server.root, tmp_path / "root.pem")
        assert await eventually(lambda: found.visit(preview.host, root), lambda answer: answer is not None)

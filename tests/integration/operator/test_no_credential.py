"""No credential that was made for a preview shows up anywhere but in its Secret and its own containers.

A preview does its best to give its logins away: its application prints them and dies, its migration echoes
what it finds in its environment. What is left of that in logs, Events, status, labels and images is masked;
etcd holds the Secret itself encrypted.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from controller.engine.names import INSTALLATION_LABEL, PLATFORM_LABEL
from controller.logs.mask import MASK
from tests.integration.etcd import stored
from tests.integration.operator.app import dockerfile
from tests.integration.operator.kinds import KINDS
from tests.integration.operator.polling import until
from tests.integration.operator.process import Operator
from tests.integration.operator.space import Space
from tests.integration.operator.test_databases import WISH, tree

TELL = 'CMD ["sh", "-c", "env | grep DATABASE_URL; sleep 0.2; exit 1"]'
ECHO = b"\\! echo told $PGPASSWORD\nINSERT INTO item VALUES ('second');\n"
LABELS = {name: f"on{name}" for name in KINDS}


async def test_what_was_made_is_found_nowhere(space: Space, operator: Operator) -> None:
    repository = space.repository()
    databases = {label: {"type": name, "migrations": f"migrations/{name}"} for name, label in LABELS.items()}
    scripts = {f"{name}/{kind.create[0]}": kind.create[1] for name, kind in KINDS.items()}
    good = tree({"databases": databases}, scripts)
    echoing = tree({"databases": databases}, {**scripts, "postgres/002.sql": ECHO})
    telling = {**echoing, "Dockerfile": dockerfile(TELL).encode()}
    await space.create("leak", {"source": space.source(repository, repository.commit(good))})
    await space.ready("leak")
    made = await _credentials(space)
    await space.patch("leak", {"metadata": {"annotations": {"previewcloud.io/rotate-credentials": WISH}}})
    await until(lambda: _credentials(space), 60, lambda found: not found & made)
    await space.push("leak", repository.commit(echoing))
    await space.ready("leak")
    await space.push("leak", repository.commit(telling))
    stalled = await space.stalled("leak")
    made |= await _credentials(space)
    assert len(made) == 2 * len(KINDS)
    told = stalled.condition("Stalled")["message"]
    assert "ONPOSTGRES_DATABASE_URL=" in told and MASK in told
    story = await until(operator.logbook.text, 10, lambda text: "told ***" in text)
    kept = stored(os.environ["ETCD_URL"])
    assert [key for key, value in kept.items() if any(each.encode() in value for each in made)] == []
    assert any(b"/secrets/" in key and key.endswith(b"/leak-database") for key in kept)
    everything = [told, story, *(await _cluster(space)), *_engine(space), *_files(operator)]
    assert len(everything) > 10
    for credential in made:
        assert not [text[:200] for text in everything if credential in text]


async def _credentials(space: Space) -> set[str]:
    """The passwords that the Secret holds, each as it is and as it stands in its URL."""
    data = await space.secret_data("leak-database")
    assert data is not None
    plain = {key: base64.b64decode(value).decode() for key, value in data.items()}
    passwords = {value for key, value in plain.items() if key.endswith("PASSWORD")}
    in_urls = {urlsplit(value).password or "" for key, value in plain.items() if key.endswith("_URL")}
    assert all(len(password) >= 32 for password in passwords)
    return passwords | in_urls


async def _cluster(space: Space) -> list[str]:
    """Everything in the namespace but the Secrets."""
    paths = ("events", "configmaps", "pods", "services")
    found = [await space.api.call("GET", f"/api/v1/namespaces/{space.namespace}/{kind}") for kind in paths]
    return [json.dumps(each) for each in [*found, await space.api.call("GET", space.path())]]


def _engine(space: Space) -> Iterator[str]:
    """Labels of all that is on the engine; what the platform's own containers print and are."""
    client = space.engine.client
    for container in client.containers.list(all=True, ignore_removed=True):
        yield json.dumps([container.name, container.labels])
        if container.labels.get(INSTALLATION_LABEL) != space.engine.installation:
            continue
        if PLATFORM_LABEL in container.labels:
            yield json.dumps(container.attrs)
            yield container.logs(tail=20_000).decode(errors="replace")
    for network in client.networks.list():
        yield json.dumps(network.attrs)
    for image in client.api.images():
        yield json.dumps(image)


def _files(operator: Operator) -> Iterator[str]:
    """The operator's own log and the store of its previews' logs, byte by byte."""
    for path in (*operator.log.parent.glob("*.log"), *operator.log.parent.glob("logs.db*")):
        yield path.read_text(errors="replace")

"""A hostile resource: the API server refuses what is seen to be wrong; what is only odd does no harm."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.integration.operator.api import GROUP, Api, Refused
from tests.integration.operator.app import service
from tests.integration.operator.hostile import LABEL, PWNED, SHELL, UP
from tests.integration.operator.space import Space, visit

Change = Mapping[str, Any]
ODD_BRANCH = f"{SHELL}`'\";|&<>#{{}}=,!%"
"""Allowed by git, and by the schema."""
ODD = f"{SHELL} {LABEL}\n\"'"
CHECKS = ("/a b", "/a\nHost: evil", "http://example.com/", "a", "/\u00e9")
URLS = (
    "--upload-pack=touch /tmp/pwned",
    "ext::sh -c touch% /tmp/pwned",
    "file:///etc",
    "/etc",
    "https://--upload-pack=x/acme/shop.git",
    "https://user:secret@example.com/acme/shop.git",
    "https://example.com/acme/shop.git?x=y",
    "https://example.com/acme/shop.git\n--upload-pack=x",
    "ssh://-oProxyCommand=x/acme/shop.git",
    "git@example.com:acme/shop.git",
)


def _paths(path: str) -> Iterator[tuple[str, Change]]:
    """Every field that takes a path, with this one in it."""
    yield "configPath", {"source": {"configPath": path}}
    yield "build.context", {"services": [{"name": "web", "build": {"context": path}}]}
    yield "build.dockerfile", {"services": [{"name": "web", "build": {"dockerfile": path}}]}
    yield "database.migrations", {"database": {"type": "postgres", "migrations": path}}
    yield "database.seed", {"database": {"type": "postgres", "seed": path}}


def _names(text: str) -> Iterator[tuple[str, Change]]:
    """Every field that takes a name, with this one in it."""
    web = {"name": "web", "image": "a"}
    yield "source.repository", {"source": {"repository": f"{text}/shop"}}
    yield "source.commit", {"source": {"commit": text}}
    yield "source.credentialsSecretRef.name", {"source": {"credentialsSecretRef": {"name": text}}}
    yield "services[0].name", {"services": [{"name": text, "image": "a"}]}
    yield "services[0].image", {"services": [{"name": "web", "image": text}]}
    yield "services[0].env[0].name", {"services": [{**web, "env": [{"name": text, "value": ""}]}]}
    yield "services[0].build.target", {"services": [{"name": "web", "build": {"target": text}}]}
    yield "services[0].build.args", {"services": [{"name": "web", "build": {"args": {text: ""}}}]}
    yield "database.type", {"database": {"type": text}}


def _cases() -> Iterator[Any]:
    for path in (UP, "/etc/passwd", "a/../../b", "..\\..\\etc", "a\nb", "a\u0085b"):
        for field, change in _paths(path):
            yield pytest.param(field, change, id=f"{field} {path!a}")
    for text in (SHELL, LABEL, "a\nb", "-x", "x" * 600):
        for field, change in _names(text):
            yield pytest.param(field, change, id=f"{field} {text[:30]!a}")
    for path in CHECKS:
        change = {"services": [{"name": "web", "image": "a", "healthCheck": {"path": path}}]}
        yield pytest.param("services[0].healthCheck.path", change, id=f"healthCheck {path!a}")
    for url in URLS:
        yield pytest.param("source.cloneURL", {"source": {"cloneURL": url}}, id=f"cloneURL {url!a}")


async def _tried(api: Api, change: Change) -> None:
    """Ask for a Preview with something changed, in a dry run; raises Refused."""
    source = {
        "repository": "acme/shop",
        "cloneURL": "https://example.com/acme/shop.git",
        "branch": "main",
        "commit": "c" * 40,
        **change.get("source", {}),
    }
    body = {
        "apiVersion": "previewcloud.io/v1alpha1",
        "kind": "Preview",
        "metadata": {"name": "hostile", "namespace": "default"},
        "spec": {**change, "source": source},
    }
    await api.call("POST", f"{GROUP}/namespaces/default/previews?dryRun=All", body)


@pytest.mark.parametrize(("field", "change"), list(_cases()))
async def test_the_api_server_refuses_what_can_be_seen_to_be_hostile(
    api: Api, field: str, change: Change
) -> None:
    with pytest.raises(Refused) as refusal:
        await _tried(api, change)
    assert refusal.value.status == 422
    assert field in refusal.value.message


async def test_the_same_fields_are_taken_with_something_harmless_in_them(api: Api) -> None:
    for _, change in _paths("some/path"):
        await _tried(api, change)
    for field, change in _names("harmless"):
        if field not in ("source.commit", "database.type"):
            await _tried(api, change)


async def test_a_hostile_branch_reaches_the_service_as_it_is_and_nothing_else(
    space: Space,
) -> None:
    source = {"repository": "acme/odd", "branch": ODD_BRANCH, "commit": "c" * 40}
    odd = service(env=[{"name": "ODD", "value": ODD.replace("${", "$${")}])
    await space.create("odd", {"source": source, "services": [odd]})
    seen = await space.ready("odd")
    assert re.fullmatch(r"branch-[a-z0-9]{1,14}x[0-9a-f]{6}", seen.status["slug"])
    assert (await visit(seen.status["url"], "/env/BRANCH")).body == ODD_BRANCH
    assert (await visit(seen.status["url"], "/env/ODD")).body == ODD
    labels = space.engine.of_service(space.key("odd")).labels
    assert not any("evil" in value for value in labels.values())
    assert not PWNED.exists()

"""Who gets to a preview: passwords, private services, siblings; and no secret where it does not belong."""

from __future__ import annotations

import base64
import json

import pytest

from tests.integration.operator.app import files, service
from tests.integration.operator.polling import until
from tests.integration.operator.process import Operator
from tests.integration.operator.space import Space, visit


async def test_a_preview_with_a_password_answers_401_without_and_200_with_it(space: Space) -> None:
    password = "correct horse"
    source = space.source("acme/locked")
    await space.secret("door", {"password": password}, "acme/locked")
    reference = {"passwordSecretRef": {"name": "door", "key": "password"}}
    await space.create("locked", {"source": source, "services": [service()], "access": reference})
    url = (await space.ready("locked")).status["url"]
    assert (await visit(url)).status == 401
    assert (await visit(url, login=("preview", "wrong"))).status == 401
    answer = await visit(url, login=("preview", password))
    assert (answer.status, answer.body) == (200, f"web {source['commit']}")


@pytest.mark.usefixtures("door")
async def test_a_private_service_answers_its_siblings_by_name_and_nobody_else(space: Space) -> None:
    services = [service("web", dependsOn=["api"]), service("api", public=False)]
    await space.create("pair", {"source": space.source(), "services": services})
    seen = await space.ready("pair")
    url = seen.status["url"]
    by_name = {item["name"]: item for item in seen.status["services"]}
    assert "url" not in by_name["api"]
    assert (await visit(url, "/ask/api:8080")).body.startswith("api ")
    assert (await visit(url, "/env/API_INTERNAL_URL")).body == "http://api:8080"
    outside = await visit(url.replace(".web.", ".api."))
    assert outside.status == 404, outside


async def test_the_databases_password_is_in_the_secret_and_in_the_service_and_nowhere_else(
    space: Space, operator: Operator
) -> None:
    repository = space.repository()
    leaky = {**files(database=True), "migrations/002.sql": b"SELECT broken;\n"}
    await space.create("rows", {"source": space.source(repository, repository.commit(leaky))})
    await space.stalled("rows")
    await space.push("rows", repository.commit(files(database=True)))
    seen = await space.ready("rows")
    secret = await space.secret_data(seen.status["database"]["secretName"])
    assert secret is not None
    password = base64.b64decode(secret["password"]).decode()
    inside = (await visit(seen.status["url"], "/env/DATABASE_URL")).body
    assert password in inside
    container = space.engine.of_service(space.key("rows"))
    logs = await until(operator.logbook.text, 10, lambda text: "done: create database" in text)
    told = {
        "resource": json.dumps(seen.body),
        "events": json.dumps(await space.events("rows")),
        "operator's log": operator.log.read_text(errors="replace"),
        "preview's log": logs,
        "labels": json.dumps(container.labels),
        "command": json.dumps(space.engine.inspect(container)["Config"]["Cmd"]),
    }
    assert [place for place, text in told.items() if password in text or inside in text] == []


async def test_a_secret_that_a_migration_prints_is_masked(space: Space, operator: Operator) -> None:
    repository = space.repository()
    raising = b"DO $$ BEGIN RAISE EXCEPTION 'see %', current_setting('is_superuser'); END $$;\n"
    commit = repository.commit({**files(database=True), "migrations/002.sql": raising})
    await space.create("noisy", {"source": space.source(repository, commit)})
    seen = await space.stalled("noisy")
    assert "see off" in seen.condition("Stalled")["message"]


async def test_a_token_that_a_service_prints_is_masked_in_the_condition(space: Space) -> None:
    token = "tok-3f9c7a1be2"
    await space.secret("token", {"value": token}, "acme/talker")
    env = [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "token", "key": "value"}}}]
    talker = service(env=env, command=["sh", "-c", "echo the token is $TOKEN; exit 1"])
    await space.create("talker", {"source": space.source("acme/talker"), "services": [talker]})
    message = (await space.stalled("talker")).condition("Stalled")["message"]
    assert "the token is" in message
    assert token not in message


@pytest.mark.usefixtures("door")
async def test_what_a_visitor_sees_before_and_after(space: Space) -> None:
    slow = service(command=["sh", "-c", "sleep 3; exec perl /server.pl"])
    await space.create("slow", {"source": space.source(), "services": [slow]})
    seen = await until(lambda: space.look("slow"), 20, lambda seen: seen and seen.status.get("slug"))
    assert seen is not None
    url = f"http://{seen.status['slug']}-acme.web.localhost:{space.env['PREVIEW_PORT']}"
    early = await until(lambda: visit(url), 10, lambda answer: answer.status == 503)
    assert "Getting ready" in early.body
    await space.ready("slow")
    assert (await visit(url)).status == 200
    await space.delete("slow")
    await space.gone("slow")
    assert (await until(lambda: visit(url), 15, lambda answer: answer.status == 404)).status == 404

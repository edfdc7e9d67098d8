"""What is fetched before anything is decided, and what is refused or left out."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.errors import Conflict, InvalidSpec, NotReady, PreviewError
from controller.cluster.memory import MemoryCluster
from controller.cluster.protocol import SecretData
from controller.core.gather import Gathered, Sources, gather
from controller.databases.memory import MemoryDatabases
from controller.source.memory import MemorySource
from tests.unit.core.examples import preview
from tests.unit.core.world import COMMIT_A, COMMIT_B, FILES

URL = "https://git.test/acme/shop.git"
OWN = {"previewcloud.io/repository": "acme.shop"}
FORK = {"trust": "fork", "approvedCommit": COMMIT_A, "configCommit": COMMIT_B}
SERVICES = [{"name": "web", "image": "nginx", "port": 80}]
BASE = {**FILES, "preview.yaml": b"services: {base: {context: web}}"}


class Here:
    """Where inputs come from."""

    def __init__(self) -> None:
        self.cluster = MemoryCluster()
        self.git = MemorySource({"acme/shop": {COMMIT_A: FILES, COMMIT_B: BASE}})
        self.made = 0

    def secret(self, name: str, labels: dict[str, str] | None = None, **data: str) -> None:
        labels = OWN if labels is None else labels
        self.cluster.secrets["default", name] = SecretData(name, labels, data)

    def _password(self) -> str:
        self.made += 1
        return f"made-up-{self.made}"

    async def _line(self, salt: str, password: str) -> str:
        return f"preview:{salt}:{len(password)}"

    async def gather(self, source: dict[str, Any] | None = None, **spec: Any) -> Gathered:
        sources = Sources(self.cluster, self.git, {"postgres": MemoryDatabases()}, self._password, self._line)
        wanted = preview(source={"cloneURL": URL, **(source or {})}, **spec)
        return await gather(wanted, "pr-1", sources)

    async def refusal(self, source: dict[str, Any] | None = None, **spec: Any) -> PreviewError:
        with pytest.raises(PreviewError) as error:
            await self.gather(source, **spec)
        return error.value


@pytest.fixture
def here() -> Here:
    return Here()


def env(name: str, secret: str = "keys", key: str = "token") -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


async def test_services_as_images_fetch_nothing(here: Here) -> None:
    gathered = await here.gather(services=SERVICES)
    assert here.git.fetched == []
    assert gathered.tree is None
    assert gathered.inputs.asked == ()


async def test_a_plain_database_of_such_a_spec_fetches_nothing_either(here: Here) -> None:
    gathered = await here.gather(services=SERVICES, database={"type": "postgres"})
    assert here.git.fetched == []
    assert len(gathered.inputs.asked) == 1
    await here.gather(services=SERVICES, database={"type": "postgres", "migrations": "migrations"})
    assert [ref.commit for ref in here.git.fetched] == [COMMIT_A]


async def test_without_services_the_preview_file_at_that_commit_counts(here: Here) -> None:
    gathered = await here.gather()
    assert [service.name for service in gathered.inputs.services] == ["web", "api"]
    assert [script.name for asked in gathered.inputs.asked for script in asked.scripts] == ["001_items.sql"]
    assert (gathered.tree.commit if gathered.tree else None) == COMMIT_A


async def test_a_fork_is_refused_until_this_very_commit_is_approved(here: Here) -> None:
    for approved in ({}, {"approvedCommit": COMMIT_B}):
        error = await here.refusal({**FORK, "approvedCommit": None, **approved})
        assert (type(error), error.reason) == (InvalidSpec, "NotApproved")
    assert here.git.fetched == []


async def test_a_forks_file_is_the_bases_and_its_code_its_own(here: Here) -> None:
    gathered = await here.gather(FORK)
    assert [service.name for service in gathered.inputs.services] == ["base"]
    assert (gathered.tree.commit if gathered.tree else None) == COMMIT_A
    assert (await here.refusal({**FORK, "configCommit": None})).reason == "ConfigCommitMissing"


async def test_a_fork_gets_no_secret(here: Here) -> None:
    here.secret(
        "keys", {**OWN, "previewcloud.io/inject": "true"}, token="t0ken-value", username="x", password="y"
    )
    assert (await here.gather(FORK)).inputs.secrets == {}
    for spec in (
        {"source": {**FORK, "credentialsSecretRef": {"name": "keys"}}},
        {"source": FORK, "access": {"passwordSecretRef": {"name": "keys", "key": "token"}}},
        {
            "source": {**FORK, "imagePullSecretRef": {"name": "keys"}},
            "services": [{"name": "web", "image": "nginx"}],
        },
        {"source": FORK, "env": [env("TOKEN")]},
    ):
        assert (await here.refusal(**spec)).reason == "SecretForFork"


async def test_only_secrets_labelled_for_the_repository_exist_for_it(here: Here) -> None:
    for labels in ({}, {"previewcloud.io/repository": "acme.blog"}):
        here.secret("keys", labels, token="t0ken-value")
        error = await here.refusal(env=[env("TOKEN")])
        assert (type(error), error.reason) == (NotReady, "SecretMissing")
        assert "previewcloud.io/repository=acme.shop" in error.message
    here.secret("keys", token="t0ken-value")
    gathered = await here.gather(env=[env("TOKEN")])
    assert gathered.inputs.env["TOKEN"] == "t0ken-value"
    assert "t0ken-value" in gathered.secrets
    assert (await here.refusal(env=[env("TOKEN", key="other")])).reason == "SecretKeyMissing"


async def test_injected_secrets_need_both_labels(here: Here) -> None:
    inject = {"previewcloud.io/inject": "true"}
    here.secret("a", {**OWN, **inject}, ONE="value-one", TWO="first")
    here.secret("b", {**OWN, **inject}, TWO="second")
    here.secret("c", OWN, THREE="value-three")
    here.secret("d", {"previewcloud.io/repository": "acme.blog", **inject}, FOUR="value-four")
    gathered = await here.gather()
    assert gathered.inputs.secrets == {"ONE": "value-one", "TWO": "second"}
    assert {"value-one", "second"} <= gathered.secrets


async def test_env_of_the_spec_counts_more_than_that_of_the_file(here: Here) -> None:
    file = b"services: {web: {context: web}}\nenv: {A: file, B: file}"
    here.git.add("acme/shop", COMMIT_A, {**FILES, "preview.yaml": file})
    gathered = await here.gather(env=[{"name": "B", "value": "spec"}])
    assert gathered.inputs.env == {"A": "file", "B": "spec"}


async def test_a_secret_that_looks_like_a_reference_is_taken_as_it_is(here: Here) -> None:
    here.secret("keys", token="a${PR_NUMBER}b")
    assert (await here.gather(env=[env("TOKEN")])).inputs.env["TOKEN"] == "a$${PR_NUMBER}b"


async def test_a_password_is_the_files_else_the_secrets(here: Here) -> None:
    here.secret("keys", token="from-secret")
    access = {"passwordSecretRef": {"name": "keys", "key": "token"}}
    assert (await here.gather()).inputs.users is None
    gathered = await here.gather(access=access)
    assert gathered.inputs.users == "preview:default/pr-1/pr-1:11"
    assert "from-secret" in gathered.secrets
    file = b"services: {web: {context: web}}\npassword: in-the-file!"
    here.git.add("acme/shop", COMMIT_A, {**FILES, "preview.yaml": file})
    assert (await here.gather(access=access)).inputs.users == "preview:default/pr-1/pr-1:12"


async def test_clone_credentials_go_to_their_host_alone(here: Here) -> None:
    source = {"credentialsSecretRef": {"name": "keys"}}
    here.secret("keys", password="p4ssword-of-git", host="git.test")
    gathered = await here.gather(source)
    login = here.git.fetched[-1].credentials
    assert login is not None
    assert (login.host, login.username, login.password) == ("git.test", "x-access-token", "p4ssword-of-git")
    assert "p4ssword-of-git" in gathered.secrets
    here.secret("keys", password="p4ssword-of-git", host="other.test")
    error = await here.refusal(source)
    assert error.reason == "CredentialsRefused"
    assert "p4ssword-of-git" not in error.message


async def test_registry_logins_go_to_the_images_registry_alone(here: Here) -> None:
    def config(host: str) -> str:
        return f'{{"auths": {{"{host}": {{"username": "u", "password": "p4ss-registry"}}}}}}'

    source = {"imagePullSecretRef": {"name": "pull"}}
    services = [{"name": "web", "image": "registry.test/web:1"}]
    here.secret("pull", **{".dockerconfigjson": config("https://registry.test/v1/")})
    gathered = await here.gather(source, services=services)
    assert gathered.inputs.registry is not None
    assert gathered.inputs.registry.registry == "registry.test"
    assert "p4ss-registry" in gathered.secrets
    here.secret("pull", **{".dockerconfigjson": config("other.test")})
    assert (await here.gather(source, services=services)).inputs.registry is None
    for bad in ("no json", '{"auths": {"registry.test": {}}}', "[]"):
        here.secret("pull", **{".dockerconfigjson": bad})
        error = await here.refusal(source, services=services)
        assert (type(error), error.reason) == (InvalidSpec, "SecretInvalid")


async def test_the_databases_password_is_kept_once_it_is_stored(here: Here) -> None:
    def password(gathered: Gathered) -> str:
        (asked,) = gathered.inputs.asked
        return asked.password

    gathered = await here.gather()
    assert password(gathered) == "made-up-1"
    assert "made-up-1" in gathered.secrets
    here.secret("pr-1-database", {"previewcloud.io/preview": "pr-1"}, password="stored-before")
    assert password(await here.gather()) == "stored-before"


async def test_a_foreign_secret_under_the_databases_name_is_a_conflict(here: Here) -> None:
    here.secret("pr-1-database", {}, password="theirs")
    assert isinstance(await here.refusal(), Conflict)


async def test_a_database_that_is_not_offered_is_refused(here: Here) -> None:
    error = await here.refusal(services=SERVICES, database={"type": "mysql"})
    assert (type(error), error.reason) == (InvalidSpec, "DatabaseUnavailable")


async def test_what_is_missing_in_the_commit_is_said_and_not_skipped(here: Here) -> None:
    here.git.add("acme/shop", COMMIT_A, {"preview.yaml": FILES["preview.yaml"]})
    assert (await here.refusal()).reason == "MigrationsMissing"
    here.git.add("acme/shop", COMMIT_A, {"README": b""})
    assert (await here.refusal()).reason == "FileMissing"
    here.git.add("acme/shop", COMMIT_A, {"preview.yaml": b"services: {}"})
    assert isinstance(await here.refusal(), InvalidSpec)


async def test_an_image_that_is_built_needs_a_repository(here: Here) -> None:
    error = await here.refusal({"cloneURL": None}, services=[{"name": "web", "build": {}}])
    assert error.reason == "SourceMissing"

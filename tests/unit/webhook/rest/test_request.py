"""From a request to a Preview and its Secrets, without anything running."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from controller.api.errors import InvalidSpec
from controller.api.preview import Preview
from controller.api.spec import PreviewSpec, Trust
from controller.api.variables import EnvVar
from tests.unit.webhook.rest.world import COMMIT, NEXT, wanted
from webhook.cluster.objects import spec_json
from webhook.cluster.protocol import COMMENT_ANNOTATION, Origin
from webhook.github.events import PullRequest, RepositoryInfo, Side
from webhook.rest.models import PreviewRequest
from webhook.rest.refusals import WrongField
from webhook.rest.request import Facts, Plan, plan

NAME = "acme-shop-pr-42"
BASE = "c" * 40
FILE = """
services:
  web:
    context: web
    port: 3000
    env: {MODE: file, FROM: file}
  worker:
    image: acme/worker:1
database: {type: postgres, migrations: db}
env: {COMMON: file}
"""


def facts(**changes: Any) -> Facts:
    return Facts(**{"name": NAME, "clone_base": "https://github.com", **changes})


def asked(existing: Preview | None = None, known: Facts | None = None, **changes: Any) -> Plan:
    request = PreviewRequest.model_validate(wanted(**changes), by_alias=True, by_name=False)
    return plan(request, existing, known or facts())


def existing(plan_: Plan) -> Preview:
    metadata = {"name": NAME, "namespace": "previews", "uid": "1"}
    return Preview.model_validate({"metadata": metadata, "spec": spec_json(plan_.wanted.spec)})


def pull(head: str | None = "acme/shop", **changes: Any) -> PullRequest:
    repo = RepositoryInfo(full_name=head) if head else None
    base = RepositoryInfo(full_name="acme/shop", clone_url="https://ghe.example.com/acme/shop.git")
    fields = {
        "number": 42,
        "state": "open",
        "head": Side(ref="feature/x", sha=COMMIT, repo=repo),
        "base": Side(ref="main", sha=BASE, repo=base),
        "updated_at": datetime(2026, 1, 1, tzinfo=UTC),
        **changes,
    }
    return PullRequest.model_validate(fields)


def env(variables: tuple[EnvVar, ...]) -> dict[str, str]:
    """Each variable's value, or `secret/key`."""
    return {
        each.name: each.value
        if each.value is not None
        else f"{each.value_from.secret_key_ref.name}/{each.value_from.secret_key_ref.key}"
        for each in variables
        if each.value is not None or each.value_from is not None
    }


def test_the_least_that_can_be_asked_for() -> None:
    found = asked()
    assert spec_json(found.wanted.spec) == {
        "source": {
            "repository": "acme/shop",
            "cloneURL": "https://github.com/acme/shop.git",
            "pullRequest": 42,
            "commit": COMMIT,
            "trust": "trusted",
        },
        "services": [{"name": "web", "image": "nginx:1.27", "port": 80}],
    }
    assert (found.wanted.origin, found.wanted.annotations, found.secrets) == (Origin.API, {}, ())


def test_without_services_they_are_left_to_the_repository() -> None:
    assert asked(services=None).wanted.spec.services == ()
    assert asked(services={}).wanted.spec.services == ()


def test_a_branch_has_no_trust_and_is_its_own_subject() -> None:
    found = asked(prNumber=None, branch="main").wanted
    assert found.subject.identity == "acme/shop#branch:main"
    assert (found.spec.source.branch, found.spec.source.trust) == ("main", None)


def test_a_service_that_names_no_image_is_built() -> None:
    (web,) = asked(services={"web": {"dockerfile": "Dockerfile.web", "target": "run"}}).wanted.spec.services
    assert web.build is not None
    assert (web.build.context, web.build.dockerfile, web.build.target) == (".", "Dockerfile.web", "run")
    (plain,) = asked(services={"web": {}}).wanted.spec.services
    assert plain.build is not None and plain.build.dockerfile == "Dockerfile"


def test_every_key_of_a_service_reaches_the_resource() -> None:
    keys = {
        "context": "app",
        "buildArgs": {"A": "1"},
        "port": 8080,
        "healthCheck": {"path": "/up"},
        "resources": {"cpu": "1", "memory": "1Gi"},
        "command": ["run"],
        "public": False,
    }
    services = {"web": {**keys, "dependsOn": ["db"]}, "db": {"imageTag": "redis:8"}}
    web = spec_json(asked(services=services).wanted.spec)["services"][0]  # type: ignore[index]
    build = {"context": "app", "dockerfile": "Dockerfile", "args": {"A": "1"}}
    del keys["context"], keys["buildArgs"]
    assert web == {"name": "web", "build": build, **keys, "dependsOn": ["db"]}


def test_values_go_into_a_secret_and_the_resource_refers_to_them() -> None:
    services = {"web": {"imageTag": "nginx", "env": {"KEY": "mine"}}, "api": {"imageTag": "nginx"}}
    found = asked(env={"KEY": "ours", "EMPTY": ""}, services=services)
    (secret,) = found.secrets
    assert (secret.name, secret.preview, secret.repository) == (f"{NAME}-env", NAME, "acme/shop")
    assert dict(secret.data) == {"KEY": "ours", "EMPTY": "", "web.KEY": "mine"}
    assert env(found.wanted.spec.env) == {"KEY": f"{NAME}-env/KEY", "EMPTY": f"{NAME}-env/EMPTY"}
    assert env(found.wanted.spec.services[0].env) == {"KEY": f"{NAME}-env/web.KEY"}
    assert "ours" not in json.dumps(spec_json(found.wanted.spec))


def test_a_value_with_a_reference_stands_in_the_resource_so_that_it_resolves() -> None:
    found = asked(env={"URL": "${DATABASE_URL}?ssl=off", "PRICE": "$${AMOUNT}"})
    assert env(found.wanted.spec.env) == {"URL": "${DATABASE_URL}?ssl=off", "PRICE": f"{NAME}-env/PRICE"}
    assert dict(found.secrets[0].data) == {"PRICE": "${AMOUNT}"}  # what a literal one stands for


def test_a_reference_that_is_not_closed_is_the_field_that_is_wrong() -> None:
    with pytest.raises(WrongField) as wrong:
        asked(services={"web": {"imageTag": "nginx", "env": {"KEY": "${OPEN"}}})
    assert wrong.value.field == "services.web.env.KEY"


def test_password_and_login_go_into_secrets() -> None:
    login = {"server": "registry.example.com:5000", "username": "ci", "password": "hunter2"}
    found = asked(password="open sesame", registry=login)
    access, registry = found.secrets
    assert (access.name, dict(access.data)) == (f"{NAME}-access", {"password": "open sesame"})
    reference = found.wanted.spec.access.password_secret_ref
    assert reference is not None and (reference.name, reference.key) == (access.name, "password")
    assert (registry.name, registry.type) == (f"{NAME}-registry", "kubernetes.io/dockerconfigjson")
    auths = json.loads(registry.data[".dockerconfigjson"])["auths"]["registry.example.com:5000"]
    assert (auths["username"], auths["password"]) == ("ci", "hunter2")
    assert base64.b64decode(auths["auth"]) == b"ci:hunter2"
    pulled = found.wanted.spec.source.image_pull_secret_ref
    assert pulled is not None and pulled.name == registry.name
    assert "hunter2" not in repr(found) and "sesame" not in repr(found)


def test_a_preview_file_is_the_base_and_the_request_stands_above_it() -> None:
    found = asked(
        previewFile=FILE,
        services={"web": {"imageTag": "reg/web:1", "env": {"MODE": "asked"}}, "extra": {"imageTag": "x"}},
        env={"MORE": "${PR_NUMBER}"},
    )
    web, worker, extra = found.wanted.spec.services
    assert (web.image, web.build, web.port) == ("reg/web:1", None, 3000)
    assert env(web.env) == {"MODE": f"{NAME}-env/web.MODE", "FROM": "file"}
    assert (worker.name, worker.image, extra.image) == ("worker", "acme/worker:1", "x")
    assert env(found.wanted.spec.env) == {"COMMON": "file", "MORE": "${PR_NUMBER}"}
    assert found.wanted.spec.database is not None and found.wanted.spec.database.migrations == "db"


def test_a_service_of_the_file_that_is_built_stays_built_with_what_is_asked_above() -> None:
    (web, _) = asked(previewFile=FILE, services={"web": {"target": "run"}}).wanted.spec.services
    assert web.build is not None and (web.build.context, web.build.target) == ("web", "run")
    (_, worker) = asked(previewFile=FILE, services={"worker": {"port": 1}}).wanted.spec.services
    assert (worker.image, worker.port) == ("acme/worker:1", 1)


def test_a_database_that_is_null_takes_the_files_away() -> None:
    request = {**wanted(previewFile=FILE), "database": None}
    found = plan(PreviewRequest.model_validate(request), None, facts())
    assert found.wanted.spec.database is None
    other = asked(previewFile=FILE, databases={"main": {"type": "mysql"}}).wanted.spec
    assert other.database is None and [each.name for each in other.databases] == ["main"]


def test_a_preview_file_that_is_wrong_is_told_line_by_line() -> None:
    with pytest.raises(InvalidSpec) as wrong:
        asked(previewFile="services:\n  web: {prot: 1}\n  api: {port: x}\n")
    assert wrong.value.reason == "PreviewFileInvalid" and len(wrong.value.lines) == 2


def test_the_password_of_the_file_is_kept_in_a_secret() -> None:
    found = asked(previewFile=f"{FILE}password: from the file\n", services=None)
    assert dict(found.secrets[0].data) == {"password": "from the file"}


def test_services_that_wait_for_nobody_are_refused() -> None:
    with pytest.raises(InvalidSpec) as wrong:
        asked(services={"web": {"imageTag": "x", "dependsOn": ["db"]}})
    assert wrong.value.reason == "SpecInvalid" and "db" in wrong.value.message


def test_comment_false_keeps_the_pull_request_quiet() -> None:
    assert asked(comment=False).wanted.annotations == {COMMENT_ANNOTATION: "off"}


def test_a_pull_request_of_the_same_repository_is_trusted_whatever_its_case() -> None:
    source = asked(known=facts(pull=pull("ACME/Shop"))).wanted.spec.source
    assert (source.trust, source.approved_commit, source.config_commit) == (Trust.TRUSTED, None, None)
    assert (source.branch, source.clone_url) == ("feature/x", "https://ghe.example.com/acme/shop.git")


@pytest.mark.parametrize("head", ["mallory/shop", None])
def test_a_fork_is_approved_for_this_commit_and_read_from_its_base(head: str | None) -> None:
    source = asked(known=facts(pull=pull(head), git_secret="git", registry_secret="pull")).wanted.spec.source
    assert source.trust is Trust.FORK
    assert (source.approved_commit, source.config_commit) == (COMMIT, BASE)
    assert source.credentials_secret_ref is None and source.image_pull_secret_ref is None


@pytest.mark.parametrize(
    "changes",
    [
        {"env": {"A": "b"}},
        {"services": {"web": {"imageTag": "x", "env": {"A": "${PR_NUMBER}"}}}},
        {"password": "x"},
        {"registry": {"server": "ghcr.io", "username": "a", "password": "b"}},
        {"previewFile": f"{FILE}password: x\n"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_fork_gets_no_secret(changes: dict[str, Any]) -> None:
    with pytest.raises(WrongField) as wrong:
        asked(known=facts(pull=pull("mallory/shop")), **changes)
    assert wrong.value.reason == "ForkGetsNoSecret"
    assert wrong.value.field.startswith(next(iter(changes)))


def test_what_is_known_to_be_a_fork_stays_one_when_github_cannot_be_asked() -> None:
    before = existing(asked(known=facts(pull=pull("mallory/shop"))))
    source = asked(before, commitSha=NEXT).wanted.spec.source
    assert (source.trust, source.approved_commit, source.config_commit) == (Trust.FORK, NEXT, BASE)
    with pytest.raises(WrongField):
        asked(before, env={"A": "b"})


def test_the_repositorys_secrets_are_used_where_the_repository_is_and_nowhere_else() -> None:
    known = facts(git_secret="git", registry_secret="pull")
    source = asked(known=known).wanted.spec.source
    assert source.credentials_secret_ref is not None and source.credentials_secret_ref.name == "git"
    assert source.image_pull_secret_ref is not None and source.image_pull_secret_ref.name == "pull"
    same = asked(known=known, cloneUrl="https://GitHub.com/Acme/shop").wanted.spec.source
    assert same.credentials_secret_ref is not None
    for url in ("https://evil.example.com/acme/shop.git", "https://github.com/acme/private.git"):
        assert asked(known=known, cloneUrl=url).wanted.spec.source.credentials_secret_ref is None, url


def test_a_preview_keeps_the_spelling_and_branch_that_it_was_made_with() -> None:
    before = existing(asked(known=facts(pull=pull())))
    found = asked(before, repoOwner="ACME", branch="renamed").wanted
    assert (found.spec.source.repository, found.spec.source.branch) == ("acme/shop", "feature/x")


def test_secrets_that_nothing_needs_any_more_are_emptied() -> None:
    login = {"server": "ghcr.io", "username": "a", "password": "b"}
    before = existing(asked(env={"A": "b"}, password="x", registry=login))
    found = asked(before, password="y")
    assert [secret.name for secret in found.secrets] == [f"{NAME}-access"]
    assert {secret.name: dict(secret.data) for secret in found.emptied} == {
        f"{NAME}-env": {},
        f"{NAME}-registry": {".dockerconfigjson": '{"auths": {}}'},
    }


def test_the_spec_is_one_that_the_operator_reads() -> None:
    found = asked(previewFile=FILE, env={"A": "b"}, password="x", known=facts(pull=pull()))
    assert PreviewSpec.model_validate(spec_json(found.wanted.spec)) == found.wanted.spec

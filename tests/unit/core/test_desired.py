"""What should be, from a spec, a file and the installation's rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.api.errors import InvalidSpec
from controller.core.desired import DEFAULT_PORT, Desired, dependency_levels, desired
from controller.core.inputs import Inputs, Rules
from controller.runtime.memory_model import image_info
from controller.runtime.protocol import InstanceSpec
from tests.unit.core.examples import LONE, RULES, inputs, source, wanted
from tests.unit.core.world import COMMIT_A, COMMIT_B


def spec(made: Desired, service: str) -> InstanceSpec:
    return next(one for one in made.instances or () if one.service == service)


def names(made: Desired) -> dict[str, str]:
    return {one.service: one.name for one in made.instances or ()}


def refusal(given: Inputs, rules: Rules = RULES) -> InvalidSpec:
    with pytest.raises(InvalidSpec) as error:
        made = desired(given, rules)
        desired(replace(given, images={i.reference: image_info(i.reference) for i in made.images}), rules)
    return error.value


def test_instances_are_described_once_every_image_is_known() -> None:
    given = inputs()
    draft = desired(given, RULES)
    assert (draft.instances, draft.revision, draft.network) == (None, None, None)
    first = draft.images[0].reference
    assert desired(replace(given, images={first: image_info(first)}), RULES).instances is None
    assert len(wanted().instances or ()) == 2


@pytest.mark.parametrize(
    ("file", "exposed", "port"),
    [
        ("services: {web: {port: 3000}}", 8000, 3000),
        ("services: {web: {}}", 8000, 8000),
        ("services: {web: {}}", None, DEFAULT_PORT),
    ],
)
def test_a_port_left_out_is_the_images_own_else_8080(file: str, exposed: int | None, port: int) -> None:
    given = inputs(file)
    (image,) = desired(given, RULES).images
    made = desired(replace(given, images={image.reference: image_info(image.reference, exposed)}), RULES)
    assert spec(made, "web").port == port


def test_the_same_in_gives_the_same_names() -> None:
    assert names(wanted()) == names(wanted())


@pytest.mark.parametrize(
    "other",
    [
        wanted(commit=COMMIT_B),
        wanted(redeploy="2026-01-01T00:00:00Z"),
        wanted(env={"A": "b"}),
        wanted(secrets={"TOKEN": "x"}),
        wanted(users="preview:hash"),
        wanted(rules=replace(RULES, installation="other")),
        wanted(rules=replace(RULES, domain="example.org")),
    ],
    ids=["commit", "redeploy", "env", "secret", "password", "installation", "domain"],
)
def test_all_that_an_instance_depends_on_makes_another_revision_of_all(other: Desired) -> None:
    made = wanted()
    assert other.revision != made.revision or other.network != made.network
    assert not set(names(other).values()) & set(names(made).values())


def test_a_change_of_one_service_moves_its_siblings_too() -> None:
    one = wanted("services: {web: {port: 1}, api: {port: 2}}")
    two = wanted("services: {web: {port: 1}, api: {port: 3}}")
    assert not set(names(one).values()) & set(names(two).values())


def test_the_main_url_is_the_first_of_the_usual_names_that_is_public() -> None:
    def url(*services: str) -> str | None:
        listed = ", ".join(f"{name}: {{port: 1}}" for name in services if not name.startswith("-"))
        private = "".join(f", {name[1:]}: {{port: 1, public: false}}" for name in services if name[0] == "-")
        return desired(inputs(f"services: {{{listed}{private}}}"), RULES).url

    assert url("z", "api", "app", "frontend", "web") == "http://pr-1-acme.web.localhost"
    assert url("z", "api", "app", "frontend") == "http://pr-1-acme.frontend.localhost"
    assert url("z", "api", "app") == "http://pr-1-acme.app.localhost"
    assert url("z", "api", "-web") == "http://pr-1-acme.api.localhost"
    assert url("z", "y") == "http://pr-1-acme.z.localhost"
    assert desired(inputs("services: {web: {port: 1, public: false}}"), RULES).url is None


@pytest.mark.parametrize(
    ("rules", "url"),
    [
        (RULES, "http://pr-1-acme.web.localhost"),
        (replace(RULES, port=8080), "http://pr-1-acme.web.localhost:8080"),
        (replace(RULES, port=80), "http://pr-1-acme.web.localhost"),
        (replace(RULES, scheme="https", port=443), "https://pr-1-acme.web.localhost"),
        (replace(RULES, scheme="https", port=80), "https://pr-1-acme.web.localhost:80"),
        (replace(RULES, single_label=True), "http://pr-1-acme-web.localhost"),
    ],
)
def test_urls_follow_the_installations_rules(rules: Rules, url: str) -> None:
    assert desired(inputs(LONE), rules).url == url


def test_services_know_each_other_and_the_platform() -> None:
    env = spec(wanted(), "web").env
    assert env["API"] == env["API_INTERNAL_URL"] == "http://api:9000"
    assert "API_URL" not in env
    assert env["WEB_URL"] == env["PREVIEW_URL"] == "http://pr-1-acme.web.localhost"
    assert (env["PR_NUMBER"], env["COMMIT_SHA"], env["PREVIEW_ID"]) == ("1", COMMIT_A, "pr-1")
    assert (env["SERVICE_NAME"], spec(wanted(), "api").env["SERVICE_NAME"]) == ("web", "api")
    assert spec(wanted(), "api").env["DB"] == env["DATABASE_URL"]


def test_a_preview_without_a_database_gets_no_database_url() -> None:
    env = spec(wanted(LONE), "web").env
    assert not [name for name in env if name.startswith("DATABASE")]
    assert refusal(inputs(LONE, env={"URL": "${DATABASE_URL}"})).reason == "UnknownReference"


def test_env_takes_precedence_as_documented() -> None:
    """secrets < env < the platform's variables < the service's own env."""
    given: dict[str, object] = {
        "secrets": {"A": "secret", "B": "secret", "BRANCH": "secret", "PR_NUMBER": "secret"},
        "env": {"B": "env", "C": "env", "PR_NUMBER": "env"},
        "service_env": {"web": {"C": "service", "BRANCH": "service"}},
    }
    env = spec(wanted(LONE, **given), "web").env
    assert [env[name] for name in ("A", "B", "C", "PR_NUMBER", "BRANCH")] == [
        "secret",
        "env",
        "service",
        "1",
        "service",
    ]


def test_a_secret_is_no_text_with_references() -> None:
    assert spec(wanted(LONE, secrets={"TOKEN": "${PR_NUMBER}"}), "web").env["TOKEN"] == "${PR_NUMBER}"


def test_build_arguments_may_hold_urls_and_no_secret() -> None:
    file = 'services: {web: {buildArgs: {API: "${WEB_URL}"}}}'
    (image,) = desired(inputs(file), RULES).images
    assert image.build is not None
    assert image.build.args == {"API": "http://pr-1-acme.web.localhost"}
    given = inputs("{services: {web: {}}, database: {type: postgres}}")
    (service,) = given.services
    assert service.build is not None
    build = service.build.model_copy(update={"args": {"URL": "${DATABASE_URL}"}})
    hidden = replace(given, services=(service.model_copy(update={"build": build}),))
    assert refusal(hidden).reason == "SecretInBuildArg"


def test_an_image_of_one_commit_has_one_name_and_what_decides_its_content_is_in_it() -> None:
    def reference(file: str = LONE, **fields: object) -> str:
        return desired(replace(inputs(file), **fields), RULES).images[0].reference  # type: ignore[arg-type]

    assert reference() == reference()
    others = {
        reference(source=source(COMMIT_B)),
        reference(source=source(repository="acme/shop.x")),
        reference(source=source(trust="fork", approvedCommit=COMMIT_A)),
        reference("services: {web: {dockerfile: Other}}"),
        reference("services: {web: {context: web}}"),
        reference("services: {web: {target: x}}"),
        reference("services: {web: {buildArgs: {A: b}}}"),
    }
    assert len(others) == 7
    assert reference() not in others


def test_a_fork_shares_no_cache_with_the_repository() -> None:
    def namespace(**fields: object) -> str:
        build = desired(replace(inputs(LONE), source=source(**fields)), RULES).images[0].build  # type: ignore[arg-type]
        assert build is not None
        return build.cache_namespace

    assert namespace() == namespace(commit=COMMIT_B)
    assert namespace() != namespace(trust="fork", approvedCommit=COMMIT_A)
    assert namespace() != namespace(repository="acme/blog")


def test_the_platforms_own_images_cannot_be_named() -> None:
    (service,) = inputs(LONE).services
    own = service.model_copy(update={"build": None, "image": "previewcloud/acme-shop/web:x"})
    assert refusal(replace(inputs(LONE), services=(own,))).reason == "ImageRefused"


def test_limits_of_the_installation_hold() -> None:
    small = replace(RULES, max_cpu_millis=100)
    assert refusal(inputs(LONE), small).reason == "TooManyResources"
    file = "services: {web: {resources: {cpu: 250m, memory: 64Mi}}}"
    made = spec(wanted(file), "web")
    assert (made.cpu_millis, made.memory_bytes) == (250, 64 * 1024**2)


def test_levels_follow_dependencies() -> None:
    services = inputs(
        "services: {web: {dependsOn: [api]}, api: {dependsOn: [queue]}, queue: {}, docs: {}}"
    ).services
    assert [set(level) for level in dependency_levels(services)] == [{"queue", "docs"}, {"api"}, {"web"}]


def test_a_circle_or_a_stranger_in_depends_on_is_refused() -> None:
    web, api = inputs("services: {web: {dependsOn: [api]}, api: {}}").services
    circle = (web, api.model_copy(update={"depends_on": ("web",)}))
    for services in (circle, (web,)):
        with pytest.raises(InvalidSpec) as error:
            dependency_levels(services)
        assert error.value.reason == "DependsOnInvalid"


def test_no_secret_is_printed() -> None:
    made = wanted(env={"T": "t0ken-of-env"}, secrets={"S": "t0ken-of-secret"}, users="preview:h4sh")
    for word in ("t0ken", "s3cret", "h4sh"):
        assert word not in repr(made)

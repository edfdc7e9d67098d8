"""References: resolved once, unknown ones refused with the nearest name, secrets kept out of builds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.errors import InvalidSpec
from controller.api.references import (
    PlatformDatabase,
    PlatformService,
    environment,
    literal,
    platform_values,
    references,
    resolve,
)
from controller.api.spec import Source, Trust

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SOURCE = Source(
    repository="acme/shop", pull_request=42, branch="add-cart", commit=COMMIT, trust=Trust.TRUSTED
)
SERVICES = (
    PlatformService("web", "http://pr-42-acme.web.localhost", 8080),
    PlatformService("my-api", None, 9000),
    PlatformService("late", "http://pr-42-acme.late.localhost", None),
)


def values(*databases: PlatformDatabase) -> dict[str, str]:
    return platform_values(
        slug="pr-42",
        source=SOURCE,
        services=SERVICES,
        preview_url="http://pr-42-acme.web.localhost",
        service="web",
        databases=databases,
    )


def test_the_platform_sets_every_documented_name() -> None:
    assert values(PlatformDatabase("", "postgres", "postgresql://u:p@h/d")) == {
        "PREVIEW_URL": "http://pr-42-acme.web.localhost",
        "PREVIEW_ID": "pr-42",
        "PR_NUMBER": "42",
        "BRANCH": "add-cart",
        "COMMIT_SHA": COMMIT,
        "REPO_OWNER": "acme",
        "REPO_NAME": "shop",
        "SERVICE_NAME": "web",
        "WEB_URL": "http://pr-42-acme.web.localhost",
        "WEB_INTERNAL_URL": "http://web:8080",
        "MY_API_INTERNAL_URL": "http://my-api:9000",
        "LATE_URL": "http://pr-42-acme.late.localhost",
        "DATABASE_TYPE": "postgres",
        "DATABASE_URL": "postgresql://u:p@h/d",
    }


def test_several_databases_are_told_apart_by_name_and_the_only_one_of_them_is_the_database() -> None:
    main, cache = PlatformDatabase("main", "postgres", "p://"), PlatformDatabase("cache", "mongodb", "m://")
    both = {name: value for name, value in values(main, cache).items() if "DATABASE" in name}
    assert both == {
        "MAIN_DATABASE_URL": "p://",
        "MAIN_DATABASE_TYPE": "postgres",
        "CACHE_DATABASE_URL": "m://",
        "CACHE_DATABASE_TYPE": "mongodb",
    }
    one = {name: value for name, value in values(cache).items() if "DATABASE" in name}
    assert one == {
        "CACHE_DATABASE_URL": "m://",
        "CACHE_DATABASE_TYPE": "mongodb",
        "DATABASE_URL": "m://",
        "DATABASE_TYPE": "mongodb",
    }


def test_a_preview_without_a_database_sets_no_database_names() -> None:
    assert not {"DATABASE_URL", "DATABASE_TYPE"} & values().keys()
    with pytest.raises(InvalidSpec, match=r"env\.X: .*DATABASE_URL.* needs a database"):
        resolve("${DATABASE_URL}", values(), where="env.X")


def test_a_branch_preview_has_an_empty_pull_request_number() -> None:
    source = Source(repository="acme/shop", branch="main", commit=COMMIT)
    found = platform_values(slug="s", source=source, services=(), preview_url=None, service="web")
    assert (found["PR_NUMBER"], found["BRANCH"], found["PREVIEW_URL"]) == ("", "main", "")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain $HOME $ $$ {x} }", "plain $HOME $ $$ {x} }"),
        ("${PR_NUMBER}-${PREVIEW_ID}", "42-pr-42"),
        ("$${PR_NUMBER}", "${PR_NUMBER}"),
        ("$$${PR_NUMBER}", "$${PR_NUMBER}"),
        ("a$${b", "a${b"),
    ],
)
def test_text_is_resolved_once(text: str, result: str) -> None:
    assert resolve(text, values()) == result


def test_what_a_reference_gives_is_not_looked_through_again() -> None:
    assert resolve("${A}", {"A": "${B}", "B": "x"}) == "${B}"


def test_references_are_listed_in_order_without_escaped_ones() -> None:
    assert references("${B} $${C} ${A}") == ["B", "A"]


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidSpec) as caught:
        resolve("${WEB_INTERNALURL}", values(), where="services.web.env.X")
    assert caught.value.reason == "UnknownReference"
    assert "services.web.env.X: unknown reference 'WEB_INTERNALURL'" in caught.value.message
    assert "did you mean 'WEB_INTERNAL_URL'?" in caught.value.message


def test_a_secret_is_refused_in_a_build_argument_and_not_told() -> None:
    known = values(PlatformDatabase("", "postgres", "postgresql://u:hunter2@h/d"))
    with pytest.raises(InvalidSpec) as caught:
        resolve("${DATABASE_URL}", known, where="services.web.build.args.X", secrets_allowed=False)
    assert caught.value.reason == "SecretInBuildArg"
    assert "hunter2" not in str(caught.value)
    assert resolve("${WEB_URL}", known, secrets_allowed=False) == "http://pr-42-acme.web.localhost"


def test_secrets_yield_to_env_and_env_to_the_platform_and_that_to_the_service() -> None:
    found = environment(
        secrets={"A": "secret", "B": "secret", "PR_NUMBER": "secret", "D": "${not} ours"},
        env={"B": "env", "C": "env", "PR_NUMBER": "env", "BRANCH": "env"},
        platform={"PR_NUMBER": "42", "BRANCH": "main", "SERVICE_NAME": "web"},
        service_env={"BRANCH": "mine", "C": "${BRANCH}"},
    )
    assert found == {
        "A": "secret",
        "B": "env",
        "C": "main",
        "D": "${not} ours",
        "PR_NUMBER": "42",
        "BRANCH": "mine",
        "SERVICE_NAME": "web",
    }


def test_an_unknown_reference_names_service_and_variable() -> None:
    with pytest.raises(InvalidSpec, match=r"services\.web\.env\.X"):
        environment(secrets={}, env={}, platform=values(), service_env={"X": "${NOPE}"})


@given(st.text(alphabet="${}AB ", max_size=30))
def test_a_literal_resolves_to_itself(text: str) -> None:
    assert resolve(literal(text), {}) == text

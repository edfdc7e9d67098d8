from pathlib import Path

import pytest

from dev import npm

SETTINGS = "//npm.example/:_authToken=abc\nregistry = https://npm.example/\nregistry=https://last.example/\n"


def test_the_registry_is_read_from_npms_settings() -> None:
    assert npm.registry({}, SETTINGS) == "https://last.example/"
    assert npm.registry({}, "fund=false\n") == ""


@pytest.mark.parametrize("name", ["npm_config_registry", "NPM_CONFIG_REGISTRY"])
def test_a_variable_counts_before_the_settings(name: str) -> None:
    assert npm.registry({name: "https://variable.example/"}, SETTINGS) == "https://variable.example/"
    assert npm.registry({name: ""}, SETTINGS) == "https://last.example/"


def test_a_build_is_told_the_registry_of_the_persons_settings_and_nothing_where_there_is_none(
    tmp_path: Path,
) -> None:
    assert npm.build_options({"HOME": str(tmp_path)}) == ()
    (tmp_path / ".npmrc").write_text(SETTINGS)
    assert npm.build_options({"HOME": str(tmp_path)}) == ("--build-arg=NPM_REGISTRY=https://last.example/",)

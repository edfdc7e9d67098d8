"""What the command's options name as files: read, or told in a sentence that shows nothing of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.api.errors import InvalidSpec
from controller.engine.given import Given, Tree, merged, read_given
from tests.unit.engine.examples import wanted

SECRET = "hunter2-not-to-be-shown"


def read(folder: Path, **options: object) -> Given:
    token = folder / "token"
    token.write_text("token\n")
    return read_given(wanted(provider_token_file=token, **options))


def test_what_a_file_holds_is_given(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("authority")
    (tmp_path / "env").write_text(f"# login\n\nDNS_TOKEN={SECRET}\n")
    (tmp_path / "more").write_text("log:\n  level: DEBUG\n")
    found = read(
        tmp_path,
        provider_ca_file=tmp_path / "ca",
        traefik_env_file=tmp_path / "env",
        traefik_config_file=tmp_path / "more",
    )
    assert found == Given("token", "authority", "", (f"DNS_TOKEN={SECRET}",), {"log": {"level": "DEBUG"}})
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("traefik_env_file", f"DNS_TOKEN\n{SECRET}"),
        ("traefik_config_file", f"{SECRET}: [\n"),
        ("traefik_config_file", f"- {SECRET}\n"),
        ("acme_ca_file", None),
    ],
)
def test_a_file_that_cannot_be_used_is_told_without_its_content(
    tmp_path: Path, option: str, content: str | None
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidSpec, match=f"--{option.replace('_', '-')}") as caught:
        read(tmp_path, **{option: path})
    assert caught.value.reason == "FileUnusable"
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("options", [{"acme_email": "ops@example.com"}, {"redirect_https": True}])
def test_certificates_need_an_entry_point_for_https(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(InvalidSpec, match="--https-port"):
        read(tmp_path, **options)


def test_what_is_added_has_its_way_where_both_say_something() -> None:
    ours: Tree = {"log": {"level": "INFO"}, "ping": {"entryPoint": "metrics"}}
    assert merged(ours, {"log": {"level": "DEBUG", "format": "json"}, "accessLog": {}}) == {
        "log": {"level": "DEBUG", "format": "json"},
        "ping": {"entryPoint": "metrics"},
        "accessLog": {},
    }

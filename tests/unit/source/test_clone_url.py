from __future__ import annotations

import pytest

from controller.api.errors import InvalidSpec
from controller.source.clone_url import check_clone_url

HOSTS = frozenset({"github.com", "git.example:8443"})


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://github.com/acme/shop.git", "https://github.com"),
        ("https://GitHub.com/acme/shop", "https://github.com"),
        ("https://git.example:8443/group/sub/shop.git/", "https://git.example:8443"),
    ],
)
def test_an_allowed_address_is_bound_to_its_origin(url: str, origin: str) -> None:
    clone = check_clone_url(url, HOSTS)
    assert clone.origin == origin
    assert clone.url.startswith(f"{origin}/")


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example/acme/shop.git",
        "https://github.com:8443/acme/shop.git",
        "https://github.com.evil.example/acme/shop.git",
        "https://evil.example/github.com/shop.git",
    ],
)
def test_another_host_or_port_is_refused_naming_those_allowed(url: str) -> None:
    with pytest.raises(InvalidSpec, match=r"CloneURLRefused.*git\.example:8443, github\.com"):
        check_clone_url(url, HOSTS)


def test_plain_http_is_refused_unless_the_setting_allows_it() -> None:
    with pytest.raises(InvalidSpec, match="https"):
        check_clone_url("http://github.com/acme/shop.git", HOSTS)
    assert check_clone_url("http://github.com/a/b", HOSTS, allow_http=True).scheme == "http"

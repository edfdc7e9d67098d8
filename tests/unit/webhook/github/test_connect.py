from __future__ import annotations

import traceback

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from controller.api.errors import InvalidSpec
from controller.clock import WallClock
from webhook.github.client import open_github
from webhook.settings import BridgeSettings

PEM = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
KEY = generate_private_key(public_exponent=65537, key_size=2048).private_bytes(*PEM).decode()
OTHER_KEY = elliptic_key(SECP256R1()).private_bytes(*PEM).decode()


async def opened(**settings: str) -> bool:
    async with open_github(BridgeSettings.model_validate(settings), WallClock()) as github:
        return github is not None


async def test_without_token_and_app_there_is_no_github() -> None:
    assert not await opened()


@pytest.mark.parametrize(
    "url",
    [
        "https://api.github.com",
        "https://github.example.org/api/v3/",
        "http://127.0.0.1:8080",
        "http://localhost:1",
        "http://[::1]:1/api/v3",
    ],
)
async def test_an_address_is_https_or_of_this_machine(url: str) -> None:
    assert await opened(github_token="t", github_api_url=url)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.github.com",
        "http://127.0.0.1.example.org",
        "https://user:password@api.github.com",
        "https://api.github.com?x=1",
        "ftp://127.0.0.1",
        "api.github.com",
        "https://",
        "https://[",
    ],
)
async def test_another_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidSpec, match="GITHUB_API_URL") as caught:
        await opened(github_token="t", github_api_url=url)
    assert caught.value.reason == "GitHubAccess"


async def test_an_app_has_an_id_and_a_key() -> None:
    assert await opened(github_app_id="1", github_app_private_key=KEY)


@pytest.mark.parametrize(
    "settings",
    [
        {"github_app_id": "1"},
        {"github_app_private_key": KEY},
        {"github_token": "t", "github_app_id": "1", "github_app_private_key": KEY},
        {"github_token": "t", "github_app_id": "1"},
        {"github_app_id": "1", "github_app_private_key": "-----BEGIN NONSENSE-----"},
        {"github_app_id": "1", "github_app_private_key": OTHER_KEY},
        {"github_app_id": "1", "github_app_private_key": KEY.replace("MII", "XXX", 1)},
    ],
)
async def test_settings_that_contradict_each_other_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(InvalidSpec) as caught:
        await opened(**settings)
    assert caught.value.reason == "GitHubAccess"
    told = "".join(traceback.format_exception(caught.value))
    assert not any(secret in told for secret in (KEY, OTHER_KEY, KEY[40:80]))

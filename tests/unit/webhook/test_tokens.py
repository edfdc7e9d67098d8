"""Tokens: what is accepted, and every way in which one is not."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import jwt
import pytest
import typer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from typer.testing import CliRunner

from controller.api.errors import InvalidSpec
from webhook.tokens import Claims, Scope, TokenRefused, Verifier, issue, token

KEY, BEFORE, THIRD = ("current" * 6, "previous" * 5, "third" * 8)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.today = BEGIN

    def now(self) -> datetime:
        return self.today

    def instant(self) -> datetime:
        return self.today

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


CLOCK = Clock()


def made(key: str = KEY, **changes: Any) -> str:
    arguments: dict[str, Any] = {
        "key": key,
        "audience": "previewcloud",
        "subject": "ci",
        "scope": Scope.WRITE,
        "repositories": ["acme/shop"],
        "ttl": timedelta(hours=1),
        "clock": CLOCK,
        "jti": "one",
        **changes,
    }
    return issue(**arguments)


def claims(**changes: Any) -> dict[str, Any]:
    now = int(BEGIN.timestamp())
    found = {
        "sub": "ci",
        "scope": "write",
        "repositories": ["*"],
        "aud": "previewcloud",
        "iat": now,
        "exp": now + 60,
        "jti": "one",
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def signed(**changes: Any) -> str:
    return jwt.encode(claims(**changes), KEY, algorithm="HS256")


def read(text: str, after: float = 0, keys: tuple[str, ...] = (KEY, BEFORE)) -> Claims:
    clock = Clock()
    clock.today = BEGIN + timedelta(seconds=after)
    return Verifier(lambda: keys, "previewcloud", clock).claims(text)


def test_a_token_says_what_it_was_made_for() -> None:
    found = read(made())
    assert (found.sub, found.scope, found.repositories, found.jti) == (
        "ci",
        Scope.WRITE,
        ("acme/shop",),
        "one",
    )
    assert found.exp - found.iat == 3600


def test_a_token_is_good_for_its_repositories_whatever_their_case() -> None:
    found = read(made(repositories=["Acme/Shop"]))
    assert found.sees("acme/shop") and found.sees("ACME/SHOP")
    assert not found.sees("acme/shop2") and not found.sees("evil/acme/shop")
    assert read(made(repositories=["*"])).sees("any/thing")


def test_write_includes_read_and_not_the_other_way_round() -> None:
    assert Scope.WRITE.includes(Scope.READ) and Scope.READ.includes(Scope.READ)
    assert not Scope.READ.includes(Scope.WRITE)


def test_the_key_before_is_accepted_too_and_no_third_one() -> None:
    assert read(made(BEFORE)).sub == "ci"
    with pytest.raises(TokenRefused):
        read(made(BEFORE), keys=(KEY,))
    with pytest.raises(TokenRefused):
        read(made(THIRD))


def test_a_token_ends_with_its_time_and_five_seconds() -> None:
    text = made(ttl=timedelta(seconds=60))
    assert read(text, after=64).sub == "ci"
    with pytest.raises(TokenRefused, match="expired"):
        read(text, after=65)


@pytest.mark.parametrize("claim", ["aud", "exp", "sub", "iat", "jti", "scope", "repositories"])
def test_a_token_without_a_claim_is_refused(claim: str) -> None:
    with pytest.raises(TokenRefused):
        read(signed(**{claim: None}))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": ""},
        {"exp": "never"},
        {"exp": 1e300},
        {"exp": True},
        {"exp": -1},
        {"iat": int(BEGIN.timestamp()) + 60},
        {"nbf": int(BEGIN.timestamp()) + 60},
        {"scope": "admin"},
        {"repositories": []},
        {"repositories": "*"},
        {"repositories": ["a/b"] * 101},
        {"sub": ""},
        {"sub": "line\nbreak"},
        {"jti": "x" * 201},
    ],
    ids=str,
)
def test_a_token_with_a_claim_of_another_form_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        read(signed(**changes))


def test_a_token_for_several_audiences_is_good_for_each() -> None:
    assert read(signed(aud=["another", "previewcloud"])).sub == "ci"


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
def test_an_unsigned_token_is_refused(algorithm: str) -> None:
    head = part({"alg": algorithm, "typ": "JWT"})
    signature = hmac.new(KEY.encode(), f"{head}.{part(claims())}".encode(), hashlib.sha256).digest()
    for end in ("", base64.urlsafe_b64encode(signature).rstrip(b"=").decode()):
        with pytest.raises(TokenRefused):
            read(f"{head}.{part(claims())}.{end}")


def test_another_algorithm_is_refused_even_with_the_right_key() -> None:
    for algorithm in ("HS384", "HS512"):
        with pytest.raises(TokenRefused):
            read(jwt.encode(claims(), KEY * 2, algorithm=algorithm), keys=(KEY * 2,))


def test_a_token_signed_with_a_private_key_is_refused_also_where_its_public_key_is_the_key() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = jwt.encode(claims(), private, algorithm="RS256")
    with pytest.raises(TokenRefused):
        read(text, keys=(public.decode(),))
    with pytest.raises(TokenRefused):
        read(text)


def test_a_changed_token_is_refused() -> None:
    head, body, signature = made().split(".")
    with pytest.raises(TokenRefused):
        read(f"{head}.{part(claims(repositories=['*']))}.{signature}")
    with pytest.raises(TokenRefused):
        read(f"{head}.{body}.{'A' * len(signature)}")


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b.c", "é.é.é", "x" * 8000, "\x00", "e30.e30.", "\udce9.\udce9.x"], ids=ascii
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        read(text)


def test_a_key_of_less_than_32_bytes_is_refused_with_a_sentence() -> None:
    for keys in (("x" * 31,), (KEY, "short")):
        held = partial(tuple[str, ...], keys)
        with pytest.raises(InvalidSpec, match="at least 32 bytes") as refused:
            Verifier(held, "previewcloud", CLOCK)
        assert refused.value.reason == "ApiKeyTooShort"
        assert "short;" not in refused.value.message
    with pytest.raises(InvalidSpec, match="at least 32 bytes"):
        made("x" * 31)


@pytest.mark.parametrize(
    "changes",
    [
        {"repositories": []},
        {"repositories": ["acme"]},
        {"repositories": ["acme/.."]},
        {"repositories": [f"acme/{'x' * 90}{n}" for n in range(90)]},
        {"subject": ""},
        {"ttl": timedelta(0)},
        {"ttl": timedelta(days=4000)},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_a_token_that_nobody_could_use_is_not_made(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidSpec) as refused:
        made(**changes)
    assert refused.value.reason == "TokenInvalid"


def invoked(monkeypatch: pytest.MonkeyPatch, key: str | None, *arguments: str) -> Any:
    for name in ("API_KEY", "API_AUDIENCE"):
        monkeypatch.delenv(name, raising=False)
    if key is not None:
        monkeypatch.setenv("API_KEY", key)
    app = typer.Typer()
    app.command()(token)
    return CliRunner().invoke(app, ["--subject", "ci", *arguments])


def test_the_command_prints_the_token_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    result = invoked(monkeypatch, KEY, "--scope", "write", "--repository", "acme/shop", "--ttl", "90d")
    assert result.exit_code == 0, result.output
    found = jwt.decode(result.stdout.strip(), KEY, algorithms=["HS256"], audience="previewcloud")
    assert (found["sub"], found["scope"], found["repositories"]) == ("ci", "write", ["acme/shop"])
    assert found["exp"] - found["iat"] == 90 * 86400
    assert result.stdout.count("\n") == 1


def test_the_command_makes_each_token_with_an_id_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [invoked(monkeypatch, KEY, "--repository", "*").stdout.strip() for _ in range(2)]
    ids = [jwt.decode(text, options={"verify_signature": False})["jti"] for text in texts]
    assert ids[0] != ids[1]


def test_the_command_finds_the_key_where_the_bridge_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "api_key").write_text(KEY)
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    result = invoked(monkeypatch, None, "--repository", "*")
    assert jwt.decode(result.stdout.strip(), KEY, algorithms=["HS256"], audience="previewcloud")


@pytest.mark.parametrize(
    ("key", "arguments", "sentence"),
    [
        (None, ("--repository", "*"), "API_KEY"),
        ("short", ("--repository", "*"), "at least 32 bytes"),
        (KEY, ("--repository", "acme"), "owner/name"),
        (KEY, ("--repository", "*", "--ttl", "soon"), "30m"),
    ],
    ids=["no key", "short key", "no repository", "no time"],
)
def test_the_command_refuses_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, key: str | None, arguments: tuple[str, ...], sentence: str
) -> None:
    result = invoked(monkeypatch, key, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert sentence in result.stderr and "Traceback" not in result.stderr

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controller.clock import WallClock
from dev import api_token
from webhook.tokens import Claims, Scope, Verifier

KEY, OTHER = "k" * 64, "o" * 64


@dataclass(frozen=True)
class Calendar(WallClock):
    """A clock that stands at one time."""

    time: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def later(self, days: int) -> "Calendar":
        return replace(self, time=self.time + timedelta(days=days))


NOW = Calendar()


def _claims(token: str, key: str = KEY) -> Claims:
    """What the bridge reads in it."""
    return Verifier(lambda: [key], "previewcloud", NOW).claims(token)


def test_it_is_for_all_repositories_and_may_write(tmp_path: Path) -> None:
    claims = _claims(api_token.kept(tmp_path / "token", KEY, NOW))
    assert claims.scope is Scope.WRITE
    assert claims.sees("acme/shop")
    assert (tmp_path / "token").stat().st_mode & 0o077 == 0


def test_it_stays_while_it_holds_for_a_month(tmp_path: Path) -> None:
    first = api_token.kept(tmp_path / "token", KEY, NOW)
    assert api_token.kept(tmp_path / "token", KEY, NOW.later(days=330)) == first
    assert api_token.kept(tmp_path / "token", KEY, NOW.later(days=340)) != first


def test_another_key_makes_another_token(tmp_path: Path) -> None:
    api_token.kept(tmp_path / "token", KEY, NOW)
    assert _claims(api_token.kept(tmp_path / "token", OTHER, NOW), OTHER)


def test_what_is_no_token_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("half a tok")
    assert _claims(api_token.kept(tmp_path / "token", KEY, NOW))

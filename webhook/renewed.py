"""The bridge's settings as they are now: what stands in SECRETS_DIR may change while it runs.

SECRETS_DIR ── another file behind one of its names ──▶ settings, read anew ──▶ keys, webhook secrets
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import SettingsError

from controller.api.errors import InvalidSpec
from controller.api.preview import describe
from controller.current import Current, Mark, marked
from webhook.github.signature import Secrets
from webhook.settings import BridgeSettings
from webhook.tokens import checked_key

Renewed = Callable[[], BridgeSettings]
Marks = tuple[tuple[str, Mark | None], ...]


def renewed_settings(directory: Path) -> Renewed:
    """Settings that are read anew when a secret in the directory changes.

    Raises:
        InvalidSpec: SettingInvalid, ApiKeyTooShort; a change that is like that leaves the settings before.
    """
    return Current(str(directory), partial(_marks, directory), lambda marks: _read(directory))


def keys_now(renewed: Renewed) -> tuple[str, ...]:
    """The keys of API tokens: the current one first, then the one before it."""
    settings = renewed()
    held = (settings.api_key, settings.api_key_previous)
    return tuple(key.get_secret_value() for key in held if key)


def webhook_secrets_now(renewed: Renewed) -> Secrets:
    """The webhook's secrets."""
    settings = renewed()
    current, previous = settings.github_webhook_secret, settings.github_webhook_secret_previous
    return Secrets(
        current.get_secret_value().encode() if current else b"",
        previous.get_secret_value().encode() if previous else b"",
    )


def _marks(directory: Path) -> Marks:
    """What tells the secrets of a directory from what they were before."""
    try:
        paths = sorted(directory.iterdir())
    except OSError:
        return ()
    return tuple((path.name, marked(path)) for path in paths)


def _read(directory: Path) -> BridgeSettings:
    try:
        settings = BridgeSettings(_secrets_dir=directory)
    except ValidationError as error:
        raise InvalidSpec("SettingInvalid", f"A setting is wrong: {describe(error)}.") from None
    except SettingsError as error:  # a link to nothing, as there is for a moment when a key was taken away
        raise InvalidSpec("SettingInvalid", f"A secret in {directory} cannot be read: {error}.") from None
    for key in keys_now(lambda: settings):
        checked_key(key)
    return settings

"""Whether a delivery comes from GitHub: the HMAC-SHA256 of its raw bytes under a secret that both sides know.

The rules are those of GitHub's documentation, "Validating webhook deliveries".
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from webhook.github.refusal import Refused

HEADER = "X-Hub-Signature-256"
OLD_HEADER = "X-Hub-Signature"
_FORM = re.compile(r"sha256=[0-9a-f]{64}", re.ASCII)
_SETUP = "Set the secret of the webhook on GitHub to what GITHUB_WEBHOOK_SECRET holds."


@dataclass(frozen=True)
class Secrets:
    """The webhook's secret, and the one before it while it is being changed; empty where there is none."""

    current: bytes = field(default=b"", repr=False)
    previous: bytes = field(default=b"", repr=False)

    @cached_property
    def all(self) -> tuple[bytes, ...]:
        """Those that there are."""
        return tuple(filter(None, (self.current, self.previous)))


def verify(body: bytes, headers: Mapping[str, str], secrets: Secrets) -> None:
    """Make sure that the body was signed with one of the secrets.

    Args:
        body: exactly as it came.
        headers: of the request, in a mapping that ignores case.
        secrets: every one is compared, in constant time, whether or not another matched.

    Raises:
        Refused: 503 when there is no secret at all; 401 without a signature, with one of SHA-1 alone, with
            one that has not the form, or with one that does not match.
    """
    keys = secrets.all
    if not keys:
        raise Refused(
            503,
            "WebhookSecretMissing",
            "This bridge has no webhook secret and takes no deliveries: set GITHUB_WEBHOOK_SECRET.",
        )
    shown = headers.get(HEADER, "").encode("ascii", "replace")
    matches = [hmac.compare_digest(_signature(body, key), shown) for key in keys]
    if not any(matches):
        raise _wrong(headers)


def _signature(body: bytes, key: bytes) -> bytes:
    return b"sha256=" + hmac.digest(key, body, "sha256").hex().encode()


def _wrong(headers: Mapping[str, str]) -> Refused:
    """What is wrong with a signature that did not match, as far as its form tells."""
    shown = headers.get(HEADER)
    if shown is None and OLD_HEADER in headers:
        return Refused(
            401,
            "SignatureOutdated",
            f"The delivery carries {OLD_HEADER} (SHA-1) alone, which is not trusted: {HEADER} is needed.",
        )
    if shown is None:
        return Refused(401, "SignatureMissing", f"The delivery carries no {HEADER}. {_SETUP}")
    if not _FORM.fullmatch(shown):
        return Refused(401, "SignatureMalformed", f"{HEADER} must be 'sha256=' and 64 lower case hex digits.")
    return Refused(401, "SignatureWrong", f"{HEADER} does not match the body. {_SETUP}")

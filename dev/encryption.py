"""Secrets at rest: the configuration with which the local API server encrypts them before etcd has them.

    key (made once, kept for the owner alone) ──▶ configuration ──▶ --encryption-provider-config
    Secrets that were written before          ──▶ written again, once

What is not encrypted yet stays readable (`identity` comes last), so that a platform from before goes on.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from pathlib import Path

from dev.progress import StepFailed
from dev.site import Site

KEY_BYTES = 32  # what secretbox wants
ATTEMPTS = 5
Kubectl = Callable[..., str]


def configuration(site: Site) -> Path:
    """Return the file that the API server is given; it is made the first time, with a new key."""
    path = site.secrets / "encryption.json"
    if not path.exists():
        new = path.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(document(secrets.token_bytes(KEY_BYTES)))
        new.rename(path)
    return path


def document(key: bytes) -> str:
    """Return an EncryptionConfiguration: Secrets are written by secretbox with this key. Pure."""
    keys = [{"name": "key1", "secret": base64.b64encode(key).decode()}]
    providers: list[dict[str, object]] = [{"secretbox": {"keys": keys}}, {"identity": {}}]
    config = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["secrets"], "providers": providers}],
    }
    return json.dumps(config, indent=2) + "\n"


def rewrite(site: Site, kubectl: Kubectl) -> None:
    """Write every Secret again that may have been stored in clear: once for a configuration.

    Args:
        site: keeps that it was done.
        kubectl: runs kubectl with arguments, and its `stdin`; raises StepFailed.

    Raises:
        StepFailed: Secrets were changed in the meantime, time after time.
    """
    done = site.secrets / "encryption.rewritten"
    if done.exists():
        return
    for attempt in range(1, ATTEMPTS + 1):
        found = kubectl("get", "secrets", "--all-namespaces", "--output=json")
        try:
            if json.loads(found)["items"]:
                kubectl("replace", "--filename=-", stdin=found.encode())
        except StepFailed:  # somebody changed or removed one since it was read
            if attempt == ATTEMPTS:
                raise
        else:
            break
    done.touch()

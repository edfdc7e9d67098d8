"""`python -m controller.healthcheck`: whether the operator or the bridge of this container is alive.

    first process ──▶ operator or bridge ──▶ where it listens ──▶ GET /healthz ──▶ exit code 0 or 1

For engines that ask by running a command in the container (the image's HEALTHCHECK); Kubernetes asks over
HTTP. It runs again and again, so it loads nothing but the standard library. A container that runs neither of
the two, `previewcloud logs --follow` say, is well as long as it runs.
"""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

LISTENS: Final = {
    "controller": ("METRICS_LISTEN", "127.0.0.1:8093"),
    "webhook": ("BRIDGE_LISTEN", "127.0.0.1:8092"),
}
"""By module: the setting that says where it answers, and that setting's default."""
LOOPBACK: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - what is said, not bound
SECONDS = 4.0
OK = 200


def asked(command: Sequence[str], environ: Mapping[str, str]) -> tuple[str, int] | None:
    """Where to ask.

    Args:
        command: the arguments of the container's first process, which may be an init in front of the other.
        environ: the settings.

    Returns:
        Host and port; None where nobody serves.

    Raises:
        ValueError: the setting has no port.
    """
    module = command[-1] if command[-2:-1] == ["-m"] else ""
    if module not in LISTENS:
        return None
    setting, default = LISTENS[module]
    host, _, port = (environ.get(setting) or default).rpartition(":")
    return LOOPBACK.get(host, host).strip("[]"), int(port)


def answer(host: str, port: int) -> str:
    """What is wrong, in a sentence; nothing when all is well."""
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.request("GET", "/healthz")
        told = connection.getresponse()
        said = told.read(1000).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return f"{host}:{port} does not answer: {error}"
    finally:
        connection.close()
    return "" if told.status == OK else f"{host}:{port} answers {told.status}: {said}"


def main() -> None:
    """Ask once; what is wrong goes to standard output, which the engine keeps."""
    command = Path("/proc/1/cmdline").read_text().rstrip("\0").split("\0")
    place = asked(command, os.environ)
    if place is not None and (wrong := answer(*place)):
        sys.stdout.write(f"{wrong}\n")
        raise SystemExit(1)


if __name__ == "__main__":
    main()

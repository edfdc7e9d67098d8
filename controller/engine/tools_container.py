"""How the engine and its host are reached: one client, and short-lived containers of the tools image.

Scripts run on the host's network with NET_ADMIN, NET_RAW and nothing else, so a remote engine's host is
prepared like the local one. Errors of the SDK become this project's at this edge.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import docker
import requests
from docker import errors

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.certificates import tls_objection
from controller.engine.limits import CGROUPS
from controller.engine.names import COMPONENT_LABEL, INSTALLATION_LABEL, PLATFORM_LABEL

OLDEST_API = "1.41"

RESTORE = """
set -e
[ -z "$2" ] || printf '%s' "$2" | "iptables-$1-restore" --noflush -w 10
[ -z "$3" ] || printf '%s' "$3" | "ip6tables-$1-restore" --noflush -w 10
"""

# A server that answers 200 to GET /ping at $1:$2 within $3 seconds; bash alone speaks enough TCP for that.
PING = """
end=$((SECONDS + $3))
while [ $SECONDS -lt $end ]; do
    if exec 3<>"/dev/tcp/$1/$2"; then
        printf 'GET /ping HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3
        read -r answer <&3; exec 3>&-
        case "$answer" in *' 200 '*) exit 0 ;; esac
    fi 2>/dev/null
    sleep 0.1
done
exit 1
"""


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn what the SDK raises while doing `what` into this project's errors."""
    try:
        yield
    except errors.ImageNotFound as error:
        raise InvalidSpec(
            "ImageNotFound",
            f"{what}: the engine has no such image and could not pull it; build or load it first.",
        ) from error
    except errors.APIError as error:
        raise BackendUnavailable("EngineRefused", f"{what}: {error.explanation or error}") from error
    except (errors.DockerException, requests.RequestException) as error:
        if objection := tls_objection(error):
            raise BackendUnavailable(
                "EngineUnavailable",
                f"{what}: the Docker engine and this command do not trust each other ({objection}); check "
                "ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH.",
            ) from error
        raise BackendUnavailable(
            "EngineUnavailable",
            f"{what}: the Docker engine does not answer ({error}); check DOCKER_HOST and that it runs.",
        ) from error


def connect() -> docker.DockerClient:
    """The engine of the DOCKER_* environment; raises BackendUnavailable when nothing answers."""
    with translated("connecting to the engine"):
        with closing(_client(OLDEST_API)) as probe:
            version = probe.version(api_version=False)["ApiVersion"]
        return _client(str(version))


def _client(version: str) -> docker.DockerClient:
    """A client that the DOCKER_* variables configure and no other; it has not spoken to the engine yet."""
    client = docker.from_env(version=version)
    # Else REQUESTS_CA_BUNDLE and the proxy variables win over the engine's own certificates and address.
    client.api.trust_env = False
    return client


class Tools:
    """Runs scripts on the engine's host."""

    def __init__(self, client: docker.DockerClient, image: str, installation: str) -> None:
        self._client = client
        self._image = image
        self._installation = installation

    def run(self, script: str, *arguments: str) -> str:
        """What a script prints that runs in the tools image on the host; BackendUnavailable when it fails."""
        try:
            with translated(f"running {self._image}"):
                output: bytes = self._client.containers.run(
                    self._image,
                    entrypoint=["bash", "-c", script, "previewcloud"],
                    command=list(arguments),
                    network_mode="host",
                    cap_drop=["ALL"],
                    cap_add=["NET_ADMIN", "NET_RAW", "DAC_OVERRIDE"],
                    security_opt=["no-new-privileges"],
                    volumes={
                        "/sys/fs/cgroup": {"bind": CGROUPS, "mode": "rw"},
                        "/run": {"bind": "/host/run", "mode": "ro"},
                    },
                    labels={
                        PLATFORM_LABEL: "true",
                        INSTALLATION_LABEL: self._installation,
                        COMPONENT_LABEL: "tools",
                    },
                    remove=True,
                )
        except BackendUnavailable as error:
            cause = error.__cause__
            if isinstance(cause, errors.ContainerError):
                raise BackendUnavailable(
                    "HostRefused", f"preparing the engine's host: {_stderr(cause)}"
                ) from cause
            raise
        return output.decode(errors="replace")


def _stderr(error: errors.ContainerError) -> str:
    text = (
        error.stderr.decode(errors="replace") if isinstance(error.stderr, bytes) else str(error.stderr or "")
    )
    return text.strip()[-500:] or f"the tools container ended with {error.exit_status}"

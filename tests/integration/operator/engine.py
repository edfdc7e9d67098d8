"""What of a preview is on the engine and in the database server, looked at past the operator."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, cast

import docker
import psycopg
from docker.models.containers import Container

from controller.api.names import PreviewKey
from controller.runtime.docker.labels import INSTALLATION, PREVIEW, SERVICE
from controller.runtime.imagelabels import IMAGE_INSTALLATION, IMAGE_PREVIEW

UNTAGGED = "<none>:<none>"


@dataclass(frozen=True)
class Held:
    """All that an installation holds of one preview, by name."""

    containers: tuple[str, ...]
    networks: tuple[str, ...]
    images: tuple[str, ...]
    databases: tuple[str, ...]
    roles: tuple[str, ...]


class Engine:
    """One installation's part of the engine and of the database server."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.installation = env["INSTALLATION_ID"]
        self.client = docker.DockerClient(base_url=env["DOCKER_HOST"], version="auto")
        self._postgres = env["POSTGRES_URL"]

    def close(self) -> None:
        self.client.close()

    def containers(self, key: PreviewKey) -> list[Container]:
        """All containers of a preview, by name. One that goes while they are listed is not among them."""
        mine: dict[str, str | list[str] | bool] = {
            "label": [f"{INSTALLATION}={self.installation}", f"{PREVIEW}={key}"]
        }
        found = self.client.containers.list(all=True, filters=mine, ignore_removed=True)
        return sorted(found, key=lambda container: str(container.name))

    def of_service(self, key: PreviewKey, name: str = "web") -> Container:
        """The one container of a service."""
        (found,) = [c for c in self.containers(key) if c.labels[SERVICE] == name]
        return found

    def networks(self, key: PreviewKey) -> list[str]:
        """The names of a preview's networks."""
        found = self.client.networks.list(
            filters={"label": [f"{INSTALLATION}={self.installation}", f"{PREVIEW}={key}"]}
        )
        return sorted(str(network.name) for network in found)

    def images(self, key: PreviewKey) -> list[str]:
        """The tags of the images that were built for a preview."""
        return sorted(tag for tags in self.image_tags(key) for tag in tags)

    def image_tags(self, key: PreviewKey) -> list[list[str]]:
        """The tags of each image that was built for a preview; none where it lost them.

        From the engine's one answer: looking at each image by itself would meet those that just went.
        """
        labels = [f"{IMAGE_INSTALLATION}={self.installation}", f"{IMAGE_PREVIEW}={key}"]
        found = self.client.api.images(filters={"label": labels})
        return sorted(sorted(set(image["RepoTags"] or ()) - {UNTAGGED}) for image in found)

    def sql(self, statement: str, database: str = "postgres") -> list[str]:
        """The first column of what the database server's admin is told."""
        url = psycopg.conninfo.make_conninfo(self._postgres, dbname=database)
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            cursor = connection.execute(statement.encode())
            return [str(row[0]) for row in cursor.fetchall()] if cursor.description else []

    def databases(self, slug: str) -> list[str]:
        """The databases of a slug, rebuilt ones too."""
        return self.sql(f"SELECT datname FROM pg_database WHERE datname LIKE '{_like(slug)}' ORDER BY 1")

    def roles(self, slug: str) -> list[str]:
        """The roles of a slug."""
        return self.sql(f"SELECT rolname FROM pg_roles WHERE rolname LIKE '{_like(slug)}' ORDER BY 1")

    def held(self, key: PreviewKey, slug: str) -> Held:
        """Everything that is there of a preview."""
        return Held(
            tuple(str(container.name) for container in self.containers(key)),
            tuple(self.networks(key)),
            tuple(self.images(key)),
            tuple(self.databases(slug)),
            tuple(self.roles(slug)),
        )

    def inspect(self, container: Container) -> Mapping[str, Any]:
        """The whole truth about a container."""
        container.reload()
        return cast("Mapping[str, Any]", container.attrs)


def _like(slug: str) -> str:
    return slug.replace("-", "\\_") + "\\_db%"


NOTHING = Held((), (), (), (), ())

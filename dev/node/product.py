"""The product on the node: its image brought there, what its values name made, its chart installed by helm.

    addresses of the platform ──▶ objects, values ──▶ helm upgrade --install ──▶ pods that are ready

Operator and bridge are on the node's network, which is this machine's: they reach Traefik, databases and the
git server on loopback, as they do when they run as processes.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from dev import bridge, cache, commands, product_image
from dev.cluster import Cluster
from dev.docker_cli import IMAGE_RECIPE_LABEL
from dev.environment import Addresses, for_bridge, for_operator
from dev.images import Images
from dev.node import release
from dev.node.place import NodePlace
from dev.node.release import NAME, NAMESPACE, Engine, Object, Settings
from dev.node.runtime import Runtime
from dev.progress import Progress, StepFailed

USER = 10001
"""Whom the image runs as; a directory of the machine is not given to him by itself."""
SECONDS = 180
UNIX = "unix://"


@dataclass(frozen=True)
class Product:
    """The release on a node."""

    place: NodePlace
    cluster: Cluster
    helm: Path
    progress: Progress

    @property
    def chart(self) -> Path:
        """The chart of this checkout."""
        return self.place.site.checkout / "charts/previewcloud"

    def ensure(self, tag: str, addresses: Addresses) -> None:
        """Make the release what it should be, and its pods ready; the same again changes nothing.

        `tag` is the image's on the node.

        Raises:
            StepFailed: helm cannot install it, or its pods do not become ready.
        """
        settings, logs = self._settings(addresses), self.place.site.logs / "node"
        engine, image = _engine(addresses.docker.host), (product_image.NAME, tag)
        values = release.values(settings, self.place, addresses.ports, engine, image)
        objects = release.manifests(settings, str(logs))
        told = json.dumps([values, objects]).encode()
        recipe = cache.digest(told, cache.digest_of_files(self.chart).encode())
        mark = self.place.folder / "release"
        if mark.exists() and mark.read_text() == recipe and self._ready():
            self.progress.done("operator and bridge on the node", f"release {NAME} is unchanged")
            return
        with self.progress.step("operator and bridge on the node, by the chart") as step:
            logs.mkdir(parents=True, exist_ok=True)
            os.chown(logs, USER, USER)
            self._apply(objects)
            self._upgrade(values)
            mark.write_text(recipe)
            step.note = f"release {NAME}, image {tag}"

    def _settings(self, addresses: Addresses) -> Settings:
        """The chart says itself which settings are its own."""
        owned = yaml.safe_load((self.chart / "owned-settings.yaml").read_text())
        of_bridge = {**for_bridge(addresses), **bridge.of_the_caller(os.environ)}
        return Settings(for_operator(addresses), of_bridge, owned)

    def _apply(self, objects: list[Object]) -> None:
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.cluster.run("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=listed.encode())

    def _upgrade(self, values: Object) -> None:
        file = self.place.folder / "values.json"
        file.write_text(json.dumps(values, indent=2) + "\n")
        install = (self.helm, "upgrade", "--install", NAME, self.chart, "--namespace", NAMESPACE)
        # A CRD that was there before the chart becomes the chart's.
        options = ("--values", file, "--take-ownership", "--wait", f"--timeout={SECONDS}s")
        try:
            commands.run([*install, *options], env={"KUBECONFIG": str(self.cluster.kubeconfig)})
        except StepFailed as error:
            seen = [self._get("pods"), self._get("events", "--field-selector=type=Warning"), *self._words()]
            raise StepFailed("\n".join([str(error), *seen])) from error

    def _words(self) -> list[str]:
        """The last ones of each deployment, as far as it has any."""
        last = ("logs", "--namespace", NAMESPACE, "--tail=15", "--ignore-errors")
        names = self._get("deployments", "-o", "name").split()
        return [self.cluster.run(*last, name) for name in names]

    def _ready(self) -> bool:
        path = "jsonpath={range .items[*]}{.status.readyReplicas}/{.spec.replicas} {end}"
        counts = [count.split("/") for count in self._get("deployments", "-o", path).split()]
        return bool(counts) and all(ready == wanted for ready, wanted in counts)

    def _get(self, *arguments: str) -> str:
        return self.cluster.run("get", "--namespace", NAMESPACE, *arguments)


def bring_image(images: Images, runtime: Runtime) -> str:
    """Build the image of this checkout and bring it to the node; return its tag there, that of its recipe.

    Raises:
        StepFailed: it cannot be built.
    """
    made = product_image.ensure(images)
    name = f"{product_image.NAME}:local-{images.docker.label('image', made, IMAGE_RECIPE_LABEL)}"
    if not runtime.has(name):
        with images.progress.step(f"image {name}: bringing it to the node"):
            images.docker("image", "tag", made, name)
            runtime.bring(images.docker, name)
            images.docker("image", "rm", name)
    return name.rpartition(":")[2]


def _engine(host: str) -> Engine:
    path = Path(host.removeprefix(UNIX))
    if not host.startswith(UNIX):
        raise StepFailed(
            f"NODE=1: the operator's pod reaches the engine by its socket; DOCKER_HOST={host} is none"
        )
    return Engine(str(path), path.stat().st_gid)

"""The Docker command line against one engine: arguments in, output out, one's own things by label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dev import commands
from dev.progress import StepFailed

DEFAULT_HOST = "unix:///var/run/docker.sock"
INSTALLATION_LABEL = "previewcloud.installation"
PLATFORM_LABEL = "previewcloud.platform"
RECIPE_LABEL = "previewcloud.recipe"

# Not under the product's own prefix: containers inherit it, and the operator refuses images that carry that.
IMAGE_RECIPE_LABEL = "dev.previewcloud.recipe"
IMAGE_INSTALLATION_LABEL = "previewcloud.image.installation"

Kind = Literal["container", "network", "volume", "image"]
REMOVALS: dict[Kind, tuple[str, ...]] = {
    "container": ("--force", "--volumes"),
    "network": (),
    "volume": ("--force",),
    "image": ("--force",),
}


@dataclass(frozen=True)
class Docker:
    """One engine, by its address."""

    host: str

    def __call__(self, *arguments: str, stdin: bytes | None = None, timeout: float | None = None) -> str:
        """Run `docker <arguments>` and return its output, stripped; raises StepFailed."""
        command = ["docker", "--host", self.host, *arguments]
        return commands.run(command, stdin=stdin, timeout=timeout).strip()

    def answers(self) -> bool:
        """Tell whether an engine listens there and this user may use it."""
        return commands.on_path("docker") and commands.succeeds(
            ["docker", "--host", self.host, "version", "--format", "{{.Server.Version}}"], timeout=10
        )

    def has(self, kind: Kind, name: str) -> bool:
        """Tell whether there is such an object."""
        return commands.succeeds(["docker", "--host", self.host, kind, "inspect", name])

    def label(self, kind: Kind, name: str, label: str) -> str:
        """Return the value of an object's label; empty where it, or the object, is missing."""
        path = ".Labels" if kind in {"network", "volume"} else ".Config.Labels"
        try:
            value = self(kind, "inspect", "--format", f'{{{{index {path} "{label}"}}}}', name)
        except StepFailed:
            return ""
        return "" if value == "<no value>" else value

    def labelled(self, kind: Kind, label: str) -> list[str]:
        """Return the ids of all objects of a kind that carry a label (`key` or `key=value`)."""
        every = ["--all"] if kind in {"container", "image"} else []
        return sorted(set(self(kind, "ls", "--quiet", *every, "--filter", f"label={label}").split()))

    def remove_installation(self, installation: str) -> int:
        """Remove all containers, networks, volumes and images of an installation; return their count."""
        labels = {kind: INSTALLATION_LABEL for kind in REMOVALS} | {"image": IMAGE_INSTALLATION_LABEL}
        count = 0
        for kind, options in REMOVALS.items():
            if found := self.labelled(kind, f"{labels[kind]}={installation}"):
                self(kind, "rm", *options, *found)
                count += len(found)
        return count

    def remove_platform_images(self) -> None:
        """Remove the images that were made here, unless another platform on this engine uses them."""
        if self.labelled("container", f"{PLATFORM_LABEL}=true"):
            return
        for image in self.labelled("image", IMAGE_RECIPE_LABEL):
            commands.succeeds(["docker", "--host", self.host, "image", "rm", image])

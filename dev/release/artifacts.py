"""What a release consists of, each made from an exported commit into one directory.

Wheel and source distribution carry the commit's time and are the same whenever they are made again. The image
is kept as an archive, or pushed; for several architectures at once it needs buildx, and a registry.
"""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from dev import commands, product_image
from dev.gobuild import machine
from dev.images import Images
from dev.product_image import Origin
from dev.progress import StepFailed

SUMS = "SHA256SUMS"
DIGEST = "image.txt"
"""Holds the name of what was pushed, with its digest."""
LOOPBACK = ("127.0.0.1:", "localhost:")
CHART = "charts/previewcloud"


@dataclass(frozen=True)
class Target:
    """Where a release goes.

    Attributes:
        repository: name of the image in a registry, such as ghcr.io/acme/previewcloud; empty: into a file.
        platforms: such as linux/amd64,linux/arm64; empty: this machine's, by its own engine.
    """

    repository: str = ""
    platforms: str = ""

    @property
    def charts(self) -> str:
        """Where charts go, beside the image."""
        return f"oci://{self.repository.rpartition('/')[0]}/charts"

    @property
    def insecure(self) -> bool:
        """Whether the registry is one of this machine, which speaks plain http."""
        return self.repository.startswith(LOOPBACK)


@dataclass(frozen=True)
class Release:
    """One version, from the files in `source`, into `dist`."""

    version: str
    origin: Origin
    source: Path
    dist: Path

    def packages(self) -> None:
        """Make wheel and source distribution, by the build backend that requirements-dev.txt pins."""
        environment = {"SOURCE_DATE_EPOCH": str(self.origin.epoch)}
        options = ["--no-isolation", "--outdir", str(self.dist), str(self.source)]
        commands.run([sys.executable, "-m", "build", *options], env=environment)

    def image(self, images: Images, target: Target) -> str:
        """Make the image; return its name, with the digest where it was pushed."""
        here = replace(images, site=replace(images.site, checkout=self.source))
        tag = f"{target.repository or product_image.NAME}:{self.version}"
        if not target.repository:
            if target.platforms:
                raise StepFailed("an image for several platforms is no file: name the registry's REPOSITORY")
            product_image.build(here, tag, self.version, self.origin)
            images.docker("save", "--output", str(self.dist / self.archive()), tag)
            return tag
        pushed = self._pushed_for(target, here, tag) if target.platforms else self._pushed(here, tag)
        (self.dist / DIGEST).write_text(f"{pushed}\n")
        return pushed

    def chart(self, helm: Path, target: Target) -> str:
        """Package the chart, with the image's repository as its default; return where it went."""
        values = self.source / CHART / "values.yaml"
        if target.repository:
            values.write_text(with_repository(values.read_text(), target.repository))
        packed = self.dist / f"previewcloud-{self.version}.tgz"
        commands.run([helm, "package", str(self.source / CHART), "--destination", str(self.dist)])
        if not target.repository:
            return packed.name
        plain = ["--plain-http"] if target.insecure else []
        commands.run([helm, "push", str(packed), target.charts, *plain])
        return f"{target.charts}/previewcloud:{self.version}"

    def sums(self) -> str:
        """Write the checksums of all files, in the form that `sha256sum --check` reads; return them."""
        files = sorted(file for file in self.dist.iterdir() if file.name != SUMS)
        lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
        (self.dist / SUMS).write_text("".join(lines))
        return "".join(lines)

    def archive(self) -> str:
        """Name of the image's archive."""
        return f"previewcloud-{self.version}-image-{machine()}.tar"

    def _pushed(self, images: Images, tag: str) -> str:
        product_image.build(images, tag, self.version, self.origin)
        images.docker("push", "--quiet", tag)
        return images.docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", tag)

    def _pushed_for(self, target: Target, images: Images, tag: str) -> str:
        facts = self.dist / "facts.json"
        options = product_image.for_platforms(target.platforms, facts)
        product_image.build(images, tag, self.version, self.origin, *options)
        found = re.search(r'"containerimage.digest":\s*"(sha256:[0-9a-f]{64})"', facts.read_text())
        facts.unlink()
        if found is None:
            raise StepFailed(f"buildx did not say the digest of {tag}")
        return f"{target.repository}@{found[1]}"


def with_repository(values: str, repository: str) -> str:
    """Return a chart's values with another repository of the image.

    Raises:
        StepFailed: the line is missing.
    """
    pattern = r"^(image:\n(?:  .*\n)*?  repository: )\S+$"
    text, count = re.subn(pattern, rf"\g<1>{repository}", values, count=1, flags=re.MULTILINE)
    if count != 1:
        raise StepFailed("values.yaml has no value image.repository")
    return text

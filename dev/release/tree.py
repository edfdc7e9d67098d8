"""The checkout that is released: whether it is committed and tagged, and its files as they are committed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dev import commands
from dev.product_image import Origin
from dev.progress import StepFailed


@dataclass(frozen=True)
class Tree:
    """A git checkout."""

    path: Path

    def git(self, *arguments: str) -> str:
        """Return git's output, stripped; raises StepFailed."""
        return commands.run(["git", "-C", str(self.path), *arguments]).strip()

    def check(self, version: str) -> Origin:
        """Return the commit that a version's tag names.

        Raises:
            StepFailed: something is not committed, or the tag is missing or stands elsewhere.
        """
        if changed := self.git("status", "--porcelain"):
            raise StepFailed(f"what is released must be committed; these are not:\n{changed}")
        head, tag = self.git("rev-parse", "HEAD"), f"v{version}"
        tagged = self.git("for-each-ref", "--format=%(objectname) %(*objectname)", f"refs/tags/{tag}").split()
        if not tagged:
            raise StepFailed(f"there is no tag {tag}; make it: git tag --annotate {tag} --message {tag}")
        if tagged[-1] != head:
            raise StepFailed(
                f"the tag {tag} is at {tagged[-1][:12]}, the checkout at {head[:12]}; check it out"
            )
        return Origin(head, int(self.git("log", "-1", "--format=%ct", head)))

    def export(self, target: Path) -> None:
        """Write the commit's files into a directory: nothing that lies beside them in the checkout."""
        archive = target / ".archive.tar"
        self.git("archive", "--format=tar", f"--output={archive}", "HEAD")
        commands.run(["tar", "-C", target, "-xf", archive])
        archive.unlink()

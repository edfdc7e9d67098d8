"""The platform's binaries, each linked into one directory.

In this order: KUBEBUILDER_ASSETS, the cache, the official download, a build from pinned Go modules.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev import cache, commands, downloads, gobuild, programs
from dev.gobuild import GoProgram, machine
from dev.progress import Progress, StepFailed
from dev.site import Site

KUBERNETES_SITE = "https://dl.k8s.io"
ETCD_SITE = "https://github.com/etcd-io/etcd/releases/download"
HELM_SITE = "https://get.helm.sh"


@dataclass(frozen=True)
class Binaries:
    """Finds programs, and links them under the site's bin directory."""

    site: Site
    progress: Progress
    environ: Mapping[str, str]

    def kubernetes(self, name: str) -> Path:
        """Return a program of the control plane, or etcd; StepFailed where it cannot be had."""
        given = Path(self.environ.get("KUBEBUILDER_ASSETS") or "/nonexistent") / name
        if os.access(given, os.X_OK):
            return self._link(given)
        program = programs.etcd() if name == "etcd" else programs.kubernetes(name)
        return self._link(self._kept(program, downloaded=True))

    def helm(self) -> Path:
        """Return helm; StepFailed where it cannot be had."""
        return self._link(self._kept(programs.helm(), downloaded=True))

    def tool(self, program: GoProgram) -> Path:
        """Return a program that is always built here, for people and tests to call."""
        return self._link(self.built(program))

    def built(self, program: GoProgram) -> Path:
        """Return a program that is always built here, from what its folder pins."""
        return self._kept(program, downloaded=False)

    def _kept(self, program: GoProgram, *, downloaded: bool) -> Path:
        def make(target: Path) -> None:
            with self.progress.step(f"{program.name} {program.version}") as step:
                if downloaded and self._download(program, target):
                    step.note = "official download"
                    return
                step.note = "building from Go modules, minutes the first time"
                self.progress.say(f"        {step.note}")
                _build(program, self.site, target)
                step.note = "built from Go modules"

        return cache.entry(self.site.cache, program.key, make) / program.name

    def _download(self, program: GoProgram, target: Path) -> bool:
        try:
            if program.name == "etcd":
                _download_etcd(target)
            elif program.name == "helm":
                _download_helm(target)
            else:
                _download_kubernetes(program.name, target)
        except StepFailed:
            return False
        return True

    def _link(self, binary: Path) -> Path:
        link = self.site.bin / binary.name
        if link.resolve() != binary.resolve():
            link.unlink(missing_ok=True)
            link.symlink_to(binary)
        return link


def _build(program: GoProgram, site: Site, target: Path) -> None:
    if program.name != "traefik":
        gobuild.build(program, site, target)
        return
    # Traefik's module tree resolves everywhere only without lego's DNS-01 providers.
    source = target / "source"
    shutil.copytree(program.source, source)
    lego = source / "lego"
    shutil.copytree(gobuild.module_folder(site, _pinned_lego(source), target), lego)
    for path in [lego, *lego.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o200)
    shutil.rmtree(lego / "providers/dns")
    (lego / "providers/dns").mkdir()
    (source / "dns_providers.go").rename(lego / "providers/dns/zz_gen_dns_providers.go")
    gobuild.build(program, site, target, source)
    shutil.rmtree(source)


def _pinned_lego(source: Path) -> str:
    lines = (source / "go.mod").read_text().splitlines()
    words = next(line.split() for line in lines if line.strip().startswith("github.com/go-acme/lego/v4 v"))
    return f"{words[0]}@{words[1]}"


def _download_kubernetes(name: str, target: Path) -> None:
    url = f"{KUBERNETES_SITE}/release/v{programs.KUBERNETES}/bin/linux/{machine()}/{name}"
    downloads.fetch(url, target / name, downloads.fetch_text(f"{url}.sha512"), "sha512")
    (target / name).chmod(0o755)


def _download_helm(target: Path) -> None:
    archive = f"helm-v{programs.HELM}-linux-{machine()}.tar.gz"
    checksum = downloads.fetch_text(f"{HELM_SITE}/{archive}.sha256").strip()
    downloads.fetch(f"{HELM_SITE}/{archive}", target / archive, checksum, "sha256")
    commands.run(["tar", "-C", target, "-xzf", target / archive, "--strip-components=1"])
    (target / archive).unlink()


def _download_etcd(target: Path) -> None:
    name = f"etcd-v{programs.ETCD}-linux-{machine()}"
    release = f"{ETCD_SITE}/v{programs.ETCD}"
    lines = downloads.fetch_text(f"{release}/SHA256SUMS").splitlines()
    sums = {name: checksum for checksum, name in (line.split() for line in lines)}
    archive = target / "etcd.tar.gz"
    downloads.fetch(f"{release}/{name}.tar.gz", archive, sums[f"{name}.tar.gz"], "sha256")
    commands.run(["tar", "-C", target, "-xzf", archive])
    (target / name / "etcd").rename(target / "etcd")
    shutil.rmtree(target / name)
    archive.unlink()

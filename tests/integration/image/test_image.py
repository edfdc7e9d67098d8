"""What is in the image and what is not, and how it is run when nobody says otherwise."""

from __future__ import annotations

import pytest

from controller import __version__
from tests.integration.image.conftest import BUILD_SECONDS
from tests.integration.image.contained import Image

pytestmark = pytest.mark.timeout(BUILD_SECONDS)

SIZE_MB = 450
PROGRAMS = "pip pip3 gcc cc make"
PACKAGES = ("pip", "setuptools", "ensurepip", "authorities.pem", "*.whl")
MODULES = ("cli", "controller", "webhook", "controller.engine")


def test_it_is_run_by_nobody_in_particular_and_ends_when_told(image: Image) -> None:
    config = image.described()["Config"]
    assert config["User"] == "10001:10001"
    assert (config["Entrypoint"], config["Cmd"]) == (["tini", "--"], ["python", "-m", "controller"])
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"] == ["CMD", "python", "-m", "controller.healthcheck"]


def test_its_labels_say_what_it_is_and_are_none_that_the_platform_looks_for(image: Image) -> None:
    labels = image.described()["Config"]["Labels"]
    told = {name.removeprefix("org.opencontainers.image."): value for name, value in labels.items()}
    assert (told["title"], told["licenses"], told["version"]) == ("PreviewCloud", "Apache-2.0", __version__)
    assert "revision" in told
    assert [name for name in labels if name.startswith(("previewcloud", "traefik"))] == []


@pytest.mark.parametrize("module", MODULES)
def test_every_command_runs_with_nothing_to_write_to(image: Image, module: str) -> None:
    assert image.run("python", "-m", module, "--version") == f"previewcloud {__version__}"


def test_what_the_code_opens_is_there_and_the_checkout_is_not(image: Image) -> None:
    parts = (
        "from webhook.rest.docs import bundle, _FILES",
        "from webhook.logs.page_asset import FOLDER",
        "import controller.__main__, webhook.__main__, mysql.connector.aio, cli.__main__",
        "assert all((bundle() / name).is_file() for name in _FILES)",
        "print(*sorted(path.name for path in FOLDER.iterdir()), controller.__file__.split('/')[1])",
    )
    told = image.run("python", "-c", "\n".join(parts))
    assert told == "page.css page.html page.js refused.html opt"
    assert image.run("git", "--version").startswith("git version 2.")


def test_it_holds_no_installer_and_nothing_that_gives_rights(image: Image) -> None:
    names = " -o ".join(f"-name '{name}'" for name in PACKAGES)
    assert image.shell(f"find / -xdev \\( {names} \\) -print") == ""
    assert image.shell(f"for name in {PROGRAMS}; do command -v $name || true; done") == ""
    assert image.shell("find / -xdev -type f -perm /6000 -print") == ""
    # Its own user may write into its volumes, and where everybody may.
    writable = "find / -xdev -writable -not -type l -not -path '/proc/*' -not -path '/dev/*' -print"
    found = image.docker("run", "--rm", "--entrypoint", "sh", image.id, "-c", f"{writable} 2>/dev/null; true")
    assert sorted(found.split()) == sorted(
        ["/tmp", "/var/tmp", "/run/lock", "/var/cache/previewcloud", "/var/lib/previewcloud"]
    )


def test_it_says_nothing_of_where_its_packages_came_from(image: Image) -> None:
    history = image.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image.id)
    config = str(image.described()["Config"])
    assert [word for word in ("PIP_", "://", "authorities") if word in history + config] == []
    # Whom it trusts are Debian's authorities, not those of the machine that built it.
    trusted = (
        "grep -c BEGIN /etc/ssl/certs/ca-certificates.crt; ls /usr/share/ca-certificates/mozilla | wc -l"
    )
    there, shipped = image.shell(trusted).split()
    assert there == shipped


def test_it_is_small(image: Image) -> None:
    assert image.described()["Size"] / 1e6 < SIZE_MB


def test_its_bytecode_is_used_as_it_is(image: Image) -> None:
    loaded = "import sys, controller.settings as s; print(s.__cached__, open(s.__cached__, 'rb').read(8)[4])"
    path, flags = image.run("python", "-c", loaded).split()
    assert (path.endswith(".pyc"), flags) == (True, "1")

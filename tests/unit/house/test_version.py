"""One version: it stands in `controller/__init__.py`, and whatever shows one shows that."""

import json
import subprocess
import sys
import tomllib

import pytest

from controller import __version__
from tests.unit.house.reasons import ROOT
from webhook.rest.openapi import document


@pytest.mark.parametrize("module", ["cli", "controller", "webhook", "controller.engine"])
def test_every_command_shows_it(module: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", module, "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout == f"previewcloud {__version__}\n"


def test_the_package_takes_it_from_the_code() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in settings["project"]
    assert settings["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "controller.__version__"}


def test_the_description_of_the_api_says_it() -> None:
    assert json.loads(document("https://bridge.example"))["info"]["version"] == __version__

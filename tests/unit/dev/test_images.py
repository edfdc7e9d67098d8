from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from dev.docker_cli import IMAGE_RECIPE_LABEL, Docker, Kind
from dev.gobuild import GoProgram
from dev.images import BASES, MARIADB, OWN_MARIADB, OWN_MONGODB, Images
from dev.progress import Progress
from dev.site import site_from

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Engine(Docker):
    """An engine that keeps images: tag to recipe, and the files of each build's folder."""

    kept: dict[str, str] = field(default_factory=dict)
    contexts: list[set[str]] = field(default_factory=list)

    def __call__(self, *arguments: str, stdin: bytes | None = None, timeout: float | None = None) -> str:
        assert arguments[0] == "build"
        labels = (argument.partition("=")[2] for argument in arguments if argument.startswith("--label="))
        recipes = dict(label.split("=", 1) for label in labels)
        self.kept[arguments[arguments.index("--tag") + 1]] = recipes[IMAGE_RECIPE_LABEL]
        self.contexts.append({path.name for path in Path(arguments[-1]).iterdir()})
        return ""

    def has(self, kind: Kind, name: str) -> bool:
        return name in self.kept

    def label(self, kind: Kind, name: str, label: str) -> str:
        return self.kept.get(name, "")


@pytest.fixture
def images(tmp_path: Path) -> Images:
    site = site_from({"HOME": str(tmp_path), "PREVIEWCLOUD_STATE": str(tmp_path / "state")}, ROOT)
    made = Images(
        site, Engine("unix:///nowhere", dict.fromkeys(BASES, "")), Progress(Console(file=StringIO()))
    )
    made.__dict__["registry"] = False
    return made


def _engine(images: Images) -> Engine:
    assert isinstance(images.docker, Engine)
    return images.docker


def test_an_official_image_that_is_there_is_used(images: Images) -> None:
    _engine(images).kept[MARIADB] = ""
    assert images.mariadb() == MARIADB
    assert _engine(images).contexts == []


def test_without_a_registry_one_is_made_once_and_again_when_its_recipe_changed(images: Images) -> None:
    assert (images.mariadb(), images.mariadb()) == (OWN_MARIADB, OWN_MARIADB)
    assert len(_engine(images).contexts) == 1
    _engine(images).kept[OWN_MARIADB] = "another"
    images.mariadb()
    assert len(_engine(images).contexts) == 2


def test_a_binary_goes_into_the_image_beside_the_folder_and_is_built_only_for_it(
    images: Images, tmp_path: Path
) -> None:
    builds = []

    def build(program: GoProgram) -> Path:
        builds.append(program.name)
        binary = tmp_path / program.name
        binary.write_bytes(b"\x7fELF")
        return binary

    assert (images.mongodb(build), images.mongodb(build)) == (OWN_MONGODB, OWN_MONGODB)
    assert builds == ["ferretdb"]
    assert _engine(images).contexts == [{"Dockerfile", "entrypoint.sh", "ferretdb"}]
    assert not (ROOT / "dev/build/mongodb/ferretdb").exists()


def test_the_client_of_mongodb_is_made_whatever_the_registry_has(images: Images) -> None:
    assert images.mongodb_client() in _engine(images).kept

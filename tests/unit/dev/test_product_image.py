"""The recipe of the product's image: what is pinned, and what stays in the stage that installs."""

import re
import stat
from io import StringIO
from pathlib import Path

from rich.console import Console

from dev.docker_cli import Docker, Kind
from dev.images import Images
from dev.product_image import FILES, Origin, build, origin
from dev.progress import Progress
from dev.site import site_from

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
STAGES = re.split(r"^(?=FROM )", DOCKERFILE, flags=re.MULTILINE)[1:]


def test_what_the_build_is_told_of_this_machine_stays_in_the_stage_that_installs() -> None:
    told = [stage.splitlines()[0] for stage in STAGES if "PIP_INDEX_URL" in stage or ".pem" in stage]
    assert told == ["FROM runtime AS dependencies"]
    taken = re.findall(r"^COPY --from=\w+ (\S+)", DOCKERFILE, re.MULTILINE)
    assert taken == ["/opt/previewcloud", "/product/opt/previewcloud"]
    assert STAGES[-1].startswith("FROM runtime\n")


def test_everything_that_is_installed_is_pinned_by_its_hash() -> None:
    fetched = [line for line in DOCKERFILE.splitlines() if "pip" in line and " install " in line]
    assert len(fetched) == 3
    assert all("--require-hashes --only-binary" in line or "--no-index" in line for line in fetched)


def test_the_engine_is_sent_what_the_image_is_made_of_and_no_more() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert sent == {*FILES, "authorities.pem"} - {"Dockerfile", ".dockerignore"}
    assert all((ROOT / name).exists() for name in FILES)


def test_sources_without_a_history_come_from_nowhere(tmp_path: Path) -> None:
    assert origin(tmp_path) == Origin("", 0)


def test_the_umask_of_a_checkout_does_not_count(tmp_path: Path) -> None:
    site = site_from({"HOME": str(tmp_path)}, ROOT)
    modes: set[int] = set()

    class Engine(Docker):
        def has(self, kind: Kind, name: str) -> bool:
            return True

        def __call__(self, *arguments: str, stdin: bytes | None = None, timeout: float | None = None) -> str:
            context = Path(arguments[-1])
            modes.update(stat.S_IMODE(path.stat().st_mode) for path in context.rglob("*") if path.is_file())
            assert {path.name for path in context.iterdir()} - {"authorities.pem"} == set(FILES)
            assert list(context.rglob("__pycache__")) == []
            return ""

    images = Images(site, Engine("unix:///nowhere"), Progress(Console(file=StringIO())))
    build(images, "some:1", "1.0.0", Origin("0" * 40, 7))
    assert modes == {0o644}

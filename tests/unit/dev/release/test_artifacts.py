import hashlib
from pathlib import Path

import pytest
import yaml

from dev.product_image import NAME, Origin, for_platforms
from dev.progress import StepFailed
from dev.release.artifacts import SUMS, Release, Target, with_repository

ROOT = Path(__file__).resolve().parents[4]


def test_the_charts_image_is_the_one_that_was_pushed() -> None:
    values = (ROOT / "charts/previewcloud/values.yaml").read_text()
    before, after = (
        yaml.safe_load(values),
        yaml.safe_load(with_repository(values, "ghcr.io/acme/previewcloud")),
    )
    assert before["image"].pop("repository") == NAME
    assert after["image"].pop("repository") == "ghcr.io/acme/previewcloud"
    assert before == after
    with pytest.raises(StepFailed):
        with_repository("image: {}\n", "ghcr.io/acme/previewcloud")


@pytest.mark.parametrize(
    ("repository", "charts", "insecure"),
    [
        ("ghcr.io/acme/previewcloud", "oci://ghcr.io/acme/charts", False),
        ("127.0.0.1:5000/acme/previewcloud", "oci://127.0.0.1:5000/acme/charts", True),
    ],
)
def test_charts_go_beside_the_image(repository: str, charts: str, insecure: bool) -> None:
    target = Target(repository)
    assert (target.charts, target.insecure) == (charts, insecure)


def test_checksums_are_those_of_all_files(tmp_path: Path) -> None:
    for name in ("b.whl", "a.tar.gz"):
        (tmp_path / name).write_text(name)
    release = Release("1.0.0", Origin(), tmp_path, tmp_path)
    release.sums()
    lines = [f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n" for name in ("a.tar.gz", "b.whl")]
    assert (tmp_path / SUMS).read_text() == "".join(lines)
    assert release.sums() == "".join(lines)


def test_an_image_for_several_platforms_tells_of_its_making_but_not_the_arguments() -> None:
    options = for_platforms("linux/amd64,linux/arm64", Path("facts.json"))
    assert options[:2] == ("--platform", "linux/amd64,linux/arm64")
    assert "--provenance=mode=min" in options  # mode=max would name the index of packages
    assert "--push" in options

from pathlib import Path

import pytest

from dev.progress import StepFailed
from dev.release import version

ROOT = Path(__file__).resolve().parents[4]


def test_versions_are_ordered_and_a_pre_release_comes_before_its_release() -> None:
    ordered = [
        "0.1.0",
        "0.2.0-alpha.2",
        "0.2.0-beta.1",
        "0.2.0-rc.2",
        "0.2.0-rc.10",
        "0.2.0",
        "0.10.0",
        "1.0.0",
    ]
    assert sorted(reversed(ordered), key=version.order) == ordered


@pytest.mark.parametrize("wrong", ["", "1", "v1.0.0", "1.0", "01.0.0", "1.0.0-rc1", "1.0.0\n", "1.0.0 "])
def test_what_is_no_version_is_refused(wrong: str) -> None:
    with pytest.raises(StepFailed, match="expected a version"):
        version.order(wrong)


def test_pythons_packages_write_a_pre_release_their_own_way() -> None:
    assert (version.of_python("1.4.0-rc.1"), version.of_python("1.4.0")) == ("1.4.0rc1", "1.4.0")


@pytest.mark.parametrize("name", version.PLACES)
def test_every_file_that_holds_it_is_found_and_changed(name: str) -> None:
    text = (ROOT / name).read_text()
    (before,) = version.held(name, text)
    after = version.written(name, text, "7.8.9-rc.1")
    assert version.held(name, after) == {"7.8.9-rc.1"}
    assert version.written(name, after, before) == text


def test_a_file_without_it_is_told() -> None:
    with pytest.raises(StepFailed, match="has no line like"):
        version.written("controller/__init__.py", "", "1.0.0")


def test_the_files_of_this_checkout_hold_one_version(tmp_path: Path) -> None:
    (held,) = version.held("controller/__init__.py", (ROOT / "controller/__init__.py").read_text())
    version.check(ROOT, held)
    for name in version.PLACES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "controller/__init__.py").write_text('__version__ = "7.8.9"\n')
    with pytest.raises(StepFailed, match=r"Chart\.yaml says .*, not 7\.8\.9"):
        version.check(tmp_path, "7.8.9")

import os
import subprocess
from pathlib import Path

from dev.command_line import PROGRAMS, ensure
from dev.site import Site, site_from
from tests.unit.house.reasons import ROOT


def _site(tmp_path: Path, checkout: Path = ROOT) -> Site:
    site = site_from({"HOME": str(tmp_path), "PREVIEWCLOUD_STATE": str(tmp_path / "state dir")}, checkout)
    site.make_directories()
    return site


def test_both_programs_run_this_checkout_and_know_their_names(tmp_path: Path) -> None:
    site = _site(tmp_path)
    ensure(site)
    for program, name in zip(PROGRAMS, ("previewcloud", "kubectl preview"), strict=True):
        ran = subprocess.run(
            [site.bin / program, "status", "--help"],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        )
        assert f"Usage: {name} status" in ran.stdout


def test_modules_of_the_directory_they_are_called_in_are_not_run(tmp_path: Path) -> None:
    site = _site(tmp_path)
    ensure(site)
    for package in ("cli", "typer", "controller"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise SystemExit('taken over')")
    ran = subprocess.run(
        [site.bin / "previewcloud", "--version"], check=False, capture_output=True, text=True, cwd=tmp_path
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("previewcloud ")


def test_a_program_of_another_checkout_is_replaced(tmp_path: Path) -> None:
    ensure(_site(tmp_path, tmp_path / "an other's"))
    ensure(_site(tmp_path))
    text = (_site(tmp_path).bin / "previewcloud").read_text()
    assert str(ROOT) in text and "other's" not in text

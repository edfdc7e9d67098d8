from __future__ import annotations

from pathlib import Path

import yaml

from controller.api.preview_file import parse_preview_file

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_the_samples_preview_file_is_valid_and_names_what_is_there() -> None:
    shop = EXAMPLES / "shop"
    file = parse_preview_file((shop / "preview.yaml").read_bytes(), "preview.yaml")
    assert [(service.name, service.public) for service in file.services] == [("web", True), ("api", False)]
    assert file.database and file.database.migrations and file.database.seed
    assert list((shop / file.database.migrations).glob("*.sql"))
    assert list((shop / file.database.seed).glob("*.sql"))
    stages = [
        line.split()[-1] for line in (shop / "Dockerfile").read_text().splitlines() if line.startswith("FROM")
    ]
    assert {service.build.target for service in file.services if service.build} <= set(stages)


def test_the_samples_preview_names_the_repository_that_the_local_platform_serves() -> None:
    preview = yaml.safe_load((EXAMPLES / "preview.yaml").read_text())
    assert (preview["kind"], preview["spec"]["source"]["repository"]) == ("Preview", "acme/shop")

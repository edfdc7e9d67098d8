from pathlib import Path

import pytest

from previewcloud.answers import FileService, PreviewFile, preview_file
from previewcloud.event import Target
from previewcloud.failure import Failure
from previewcloud.images import builds_of, directory_of, image_name, read_preview_file

TARGET = Target("Acme", "My.Shop", 7, "add-products", "a" * 40, "https://x/y.git")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = (tmp_path / "checkout").resolve()
    (root / "api").mkdir(parents=True)
    (root / "Dockerfile").touch()
    (root / "api/Dockerfile").touch()
    return root


def _file(context: str = ".", dockerfile: str = "Dockerfile", **arguments: str) -> PreviewFile:
    return PreviewFile((FileService("web", context, dockerfile, "", arguments),), {"my-api": 8080})


def test_an_image_is_named_after_repository_service_and_commit(checkout: Path) -> None:
    (build,) = builds_of(_file("api"), checkout, "ghcr.io/acme", TARGET)
    assert build.tag == f"ghcr.io/acme/acme-my-shop-web:{'a' * 40}"
    assert (build.context, build.dockerfile) == (checkout / "api", checkout / "api/Dockerfile")


@pytest.mark.parametrize("repository", [".github", "a__b", "Shop-", "x..y"])
def test_a_name_is_one_that_registries_take(repository: str) -> None:
    target = Target("Acme", repository, 7, "b", "a" * 40, "")
    words = image_name("r", target, "web").removeprefix("r/").split("-")
    assert all(word.isalnum() and word.islower() for word in words)


def test_a_dockerfile_may_stand_above_its_context_but_not_outside(checkout: Path) -> None:
    (build,) = builds_of(_file("api", "../Dockerfile"), checkout, "r", TARGET)
    assert build.dockerfile == checkout / "Dockerfile"
    with pytest.raises(Failure, match=r"services\.web\.dockerfile"):
        builds_of(_file("api", "../../Dockerfile"), checkout, "r", TARGET)


@pytest.mark.parametrize("context", ["..", "/etc", "link", "api/../..", "nothing", "Dockerfile", "a\0b"])
def test_a_context_outside_or_of_nothing_is_refused(checkout: Path, context: str) -> None:
    (checkout / "link").symlink_to("/etc")
    with pytest.raises(Failure, match=r"services\.web\.context"):
        builds_of(_file(context), checkout, "r", TARGET)


def test_a_dockerfile_that_links_out_is_refused(checkout: Path) -> None:
    (checkout / "Sneaky").symlink_to("/etc/passwd")
    with pytest.raises(Failure, match=r"services\.web\.dockerfile"):
        builds_of(_file(".", "Sneaky"), checkout, "r", TARGET)


def test_references_in_build_arguments_are_resolved_where_they_are_known(checkout: Path) -> None:
    asked = _file(A="${PR_NUMBER}/${COMMIT_SHA}", B="$${HOME} ${MY_API_INTERNAL_URL}", C="$HOME")
    (build,) = builds_of(asked, checkout, "r", TARGET)
    assert build.arguments == {
        "A": f"7/{'a' * 40}",
        "B": "${HOME} http://my-api:8080",
        "C": "$HOME",
    }


def test_a_reference_that_only_the_platform_knows_is_refused(checkout: Path) -> None:
    with pytest.raises(Failure, match=r"services\.web\.buildArgs\.URL.*\$\{WEB_URL\}"):
        builds_of(_file(URL="${WEB_URL}"), checkout, "r", TARGET)


def test_a_preview_file_is_read_from_the_working_directory(checkout: Path) -> None:
    (checkout / "api/preview.yaml").write_text("services: {}")
    directory = directory_of(checkout, "api")
    assert read_preview_file(directory, "preview.yaml") == "services: {}"


@pytest.mark.parametrize("name", ["..", "/etc", "missing", "link"])
def test_a_working_directory_outside_is_refused(checkout: Path, name: str) -> None:
    (checkout / "link").symlink_to("/etc")
    with pytest.raises(Failure, match="working-directory"):
        directory_of(checkout, name)


@pytest.mark.parametrize(
    ("name", "content"),
    [("../secret", b""), ("missing", None), ("big", b"x" * 300_000), ("binary", b"\xff\xfe"), ("api", None)],
)
def test_a_preview_file_that_cannot_be_used_is_refused(
    checkout: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (checkout / name).write_bytes(content)
    with pytest.raises(Failure, match="config-file"):
        read_preview_file(checkout, name)


def test_what_is_not_built_is_left_out() -> None:
    build = {"context": None, "dockerfile": None, "target": None, "args": None}
    services = {"web": {"build": build, "image": None, "port": 80}, "db": {"build": None, "image": "x:1"}}
    found = preview_file({"services": services})
    assert found == PreviewFile((FileService("web", ".", "Dockerfile", "", {}),), {"web": 80})


@pytest.mark.parametrize("data", [None, [], {}, {"services": []}])
def test_an_answer_of_another_form_is_refused(data: object) -> None:
    with pytest.raises(Failure, match="api-url"):
        preview_file(data)

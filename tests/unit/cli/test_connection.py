from collections.abc import Mapping
from pathlib import Path

import pytest

from cli.connection import Connection, Options, config_file, connection, in_the_open, keep
from cli.failure import USAGE, Failure

URL, OTHER = "https://previews.example.com", "https://elsewhere.example.com"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path)}


def refused(options: Options, environ: Mapping[str, str]) -> str:
    with pytest.raises(Failure) as raised:
        connection(options, environ)
    assert raised.value.code == USAGE
    return raised.value.message


def test_an_option_counts_before_a_variable_and_that_before_the_file(environ: dict[str, str]) -> None:
    keep(config_file(environ), Connection(URL, "kept"))
    assert connection(Options(), environ) == Connection(URL, "kept")
    environ |= {"PREVIEWCLOUD_URL": f"{OTHER}/", "PREVIEWCLOUD_TOKEN": "variable"}
    assert connection(Options(), environ) == Connection(OTHER, "variable")
    assert connection(Options(URL, "option"), environ) == Connection(URL, "option")


def test_a_token_is_read_from_a_file(environ: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("abc\n")
    assert connection(Options(URL, token_file=path), environ).token == "abc"
    assert "Give either" in refused(Options(URL, "x", path), environ)
    assert "No such file" in refused(Options(URL, token_file=tmp_path / "none"), environ)


def test_the_files_token_goes_to_the_files_address_alone(environ: dict[str, str]) -> None:
    keep(config_file(environ), Connection(URL, "kept"))
    assert "no token for https://elsewhere" in refused(Options(OTHER), environ)
    environ["PREVIEWCLOUD_URL"] = OTHER
    assert "no token for https://elsewhere" in refused(Options(), environ)


def test_the_file_is_the_owners_alone_and_one_that_is_not_is_refused(environ: dict[str, str]) -> None:
    path = config_file(environ)
    keep(path, Connection(URL, "kept"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.chmod(0o640)
    message = refused(Options(), environ)
    assert f"chmod 600 {path}" in message
    assert "kept" not in message


def test_an_older_file_is_replaced(environ: dict[str, str]) -> None:
    path = config_file(environ)
    keep(path, Connection(URL, "old"))
    keep(path, Connection(OTHER, 'ne"w\\'))
    assert connection(Options(), environ) == Connection(OTHER, 'ne"w\\')
    assert [each.name for each in path.parent.iterdir()] == ["config.toml"]


def test_what_is_missing_is_said(environ: dict[str, str]) -> None:
    assert "previewcloud login" in refused(Options(), environ)
    assert "PREVIEWCLOUD_TOKEN" in refused(Options(URL), environ)


@pytest.mark.parametrize(
    "url", ["previews.example.com", "ftp://a", "https://", "https://u:secret@a", "https://a?b", "https://a:x"]
)
def test_an_address_that_is_none_is_refused(url: str, environ: dict[str, str]) -> None:
    message = refused(Options(url, "t"), environ)
    assert "http:// or https://" in message
    assert "secret" not in message


def test_a_token_that_would_break_a_header_is_refused_and_not_repeated(environ: dict[str, str]) -> None:
    message = refused(Options(URL, "to\r\nken"), environ)
    assert "to" + "\r\n" not in message
    assert "ken:" not in message


def test_a_file_that_is_no_toml_is_refused(environ: dict[str, str]) -> None:
    path = config_file(environ)
    path.parent.mkdir(parents=True)
    path.write_text("url = ")
    assert "not TOML" in refused(Options(), environ)


def test_connections_do_not_print_their_token() -> None:
    assert "secret" not in repr(Connection(URL, "secret"))
    assert "secret" not in repr(Options(URL, "secret"))


@pytest.mark.parametrize(
    ("url", "open_"),
    [("http://a.example", True), ("https://a.example", False), ("http://127.0.0.1:1", False)],
)
def test_http_is_in_the_open_unless_it_stays_here(url: str, open_: bool) -> None:
    assert in_the_open(url) is open_

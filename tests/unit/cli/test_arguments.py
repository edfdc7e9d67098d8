import pytest

from cli.__main__ import run
from cli.commands import hoisted


@pytest.mark.parametrize(
    ("given", "ordered"),
    [
        (["list"], ["list"]),
        (["logs", "pr-1", "--url", "u", "-f"], ["--url", "u", "logs", "pr-1", "-f"]),
        (["list", "--token=t", "--token-file", "f"], ["--token=t", "--token-file", "f", "list"]),
        (["logs", "--", "--url", "u"], ["logs", "--", "--url", "u"]),
        (["list", "--url"], ["--url", "list"]),
    ],
)
def test_the_apis_options_may_stand_behind_the_command(given: list[str], ordered: list[str]) -> None:
    assert hoisted(given) == ordered


@pytest.mark.parametrize(
    ("program", "name"), [("kubectl-preview", "kubectl preview"), ("previewcloud", "previewcloud")]
)
def test_the_command_calls_itself_as_it_was_called(
    program: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["logs", "--help"], program) == 0
    assert f"Usage: {name} logs" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["logs"],
        ["logs", "pr-1", "--type", "nonsense"],
        ["logs", "pr-1", "--since", "yesterday"],
        ["logs", "pr-1", "-f", "--archived"],
        ["logs", "pr-1", "-f", "--until", "1h"],
        ["logs", "pr-1", "-n", "-1"],
        ["list", "--status", "odd"],
        ["list", "--repository", "shop"],
        ["status", "pr-1", "--watch", "--json"],
        ["status", "../health"],
        ["list", "--url", "nowhere"],
    ],
)
def test_a_command_that_was_given_wrongly_ends_with_2_and_a_sentence(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PREVIEWCLOUD_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PREVIEWCLOUD_TOKEN", "token")
    assert run(arguments, "previewcloud") == 2
    said = capsys.readouterr()
    assert said.err.strip()
    assert "Traceback" not in said.err


def test_an_api_that_is_not_there_is_a_sentence_and_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PREVIEWCLOUD_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PREVIEWCLOUD_TOKEN", "secret-token")
    assert run(["list"], "previewcloud") == 1
    said = capsys.readouterr().err
    assert said.startswith("error: Cannot reach the API at http://127.0.0.1:9: ")
    assert "secret-token" not in said

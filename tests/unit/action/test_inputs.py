import pytest

from previewcloud.failure import Failure
from previewcloud.inputs import Login, hidden, read_inputs

GIVEN = {"INPUT_API_TOKEN": "t", "INPUT_API_URL": "https://preview.acme.com/"}


def test_what_is_left_out_has_its_default() -> None:
    inputs = read_inputs(GIVEN)
    assert (inputs.config_file, inputs.working_directory) == ("preview.yaml", ".")
    assert (inputs.verb, inputs.comment, inputs.wait, inputs.timeout) == ("auto", True, True, 600)
    assert (inputs.pr_number, inputs.registry, inputs.secrets) == (None, None, {})
    assert inputs.api_url == "https://preview.acme.com"


def test_the_address_may_stand_in_the_environment() -> None:
    around = {"INPUT_API_TOKEN": "t", "INPUT_API_URL": "", "PREVIEWCLOUD_URL": "http://127.0.0.1:1"}
    assert read_inputs(around).api_url == "http://127.0.0.1:1"


def test_secrets_are_lines_of_key_and_value() -> None:
    text = "A=1\n\n# a remark\nB_2=x=y # z\r\n  C=\n"
    assert read_inputs({**GIVEN, "INPUT_SECRETS": text}).secrets == {"A": "1", "B_2": "x=y # z", "C": ""}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("A=1\nBEGIN KEY", "line 2.*several lines"),
        ("=1", "line 1"),
        ("9A=1", "line 1"),
        ("A=1\nA=2", "A stands there twice"),
    ],
)
def test_a_line_that_is_no_secret_is_told_by_its_number_alone(text: str, where: str) -> None:
    with pytest.raises(Failure, match=where) as told:
        read_inputs({**GIVEN, "INPUT_SECRETS": text})
    assert "BEGIN" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_URL", "preview.acme.com"),
        ("API_URL", "ftp://acme.com"),
        ("API_URL", "https://me:secret@acme.com"),
        ("API_URL", "https://acme.com?x=1"),
        ("API_URL", "https://acme.com:port"),
        ("ACTION", "remove"),
        ("PR_NUMBER", "0"),
        ("PR_NUMBER", "7; rm"),
        ("TIMEOUT", "-1"),
        ("TIMEOUT", "1e3"),
        ("TIMEOUT", "99999"),
        ("COMMENT_ON_PR", "yes"),
        ("WAIT_FOR_DEPLOYMENT", "1"),
        ("REGISTRY", "https://ghcr.io"),
        ("REGISTRY", "ghcr.io/Acme"),
        ("REGISTRY", "--help"),
        ("REGISTRY_PASSWORD", "secret"),
    ],
)
def test_a_value_that_cannot_be_used_is_told_by_the_inputs_name(name: str, value: str) -> None:
    with pytest.raises(Failure, match=name.lower().replace("_", "-")) as told:
        read_inputs({**GIVEN, f"INPUT_{name}": value})
    assert "secret" not in str(told.value)


def test_a_login_has_both_parts() -> None:
    with pytest.raises(Failure, match="belong together"):
        read_inputs({**GIVEN, "INPUT_REGISTRY": "ghcr.io", "INPUT_REGISTRY_USERNAME": "me"})


def test_the_login_is_for_the_registrys_host() -> None:
    around = {
        **GIVEN,
        "INPUT_REGISTRY": "registry.acme.com:5000/team/shop/",
        "INPUT_REGISTRY_USERNAME": "me",
        "INPUT_REGISTRY_PASSWORD": "p w\n",
    }
    registry = read_inputs(around).registry
    assert registry is not None
    assert registry.prefix == "registry.acme.com:5000/team/shop"
    assert registry.login == Login("registry.acme.com:5000", "me", "p w")


def test_every_secret_value_is_hidden_also_where_its_line_is_wrong() -> None:
    around = {**GIVEN, "INPUT_SECRETS": "A=one\nB=\nloose", "INPUT_REGISTRY_PASSWORD": "two"}
    assert set(hidden(around)) == {"t", "one", "loose", "two"}


def test_no_secret_is_shown_by_the_inputs() -> None:
    around = {
        "INPUT_API_TOKEN": "hush",
        "INPUT_SECRETS": "A=hush",
        "INPUT_REGISTRY": "ghcr.io",
        "INPUT_REGISTRY_USERNAME": "me",
        "INPUT_REGISTRY_PASSWORD": "hush",
    }
    assert "hush" not in repr(read_inputs(around))

import pytest

from dev import mirrors
from dev.progress import StepFailed

DEB822 = """
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.example/debian-security/
Suites: bookworm-security
"""
ONE_LINE = (
    "deb [signed-by=/k.gpg] https://tools.example/apt stable main\n"
    "deb http://mirror.example/debian/ bookworm main\n"
)


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (DEB822, ("http://mirror.example/debian", "http://mirror.example/debian-security")),
        (ONE_LINE, ("http://mirror.example/debian", "")),
    ],
)
def test_the_mirror_is_read_from_either_format(sources: str, expected: tuple[str, str]) -> None:
    assert mirrors.debian(sources) == expected


def test_a_machine_without_a_debian_mirror_is_told_what_to_do() -> None:
    with pytest.raises(StepFailed, match="registry"):
        mirrors.debian(
            "deb http://mirror.example/ubuntu noble main\n# deb http://mirror.example/debian x main\n"
        )


def test_only_mirrors_on_private_addresses_are_named() -> None:
    known = {"mirror.example": ["10.1.2.3", "203.0.113.5"], "tools.example": ["203.0.113.9"]}
    assert mirrors.private(DEB822 + ONE_LINE, lambda host: known.get(host, [])) == ["10.1.2.3/32"]

from pathlib import Path

import pytest

from dev.progress import StepFailed
from dev.site import Acme, installation_of, site_from

CHECKOUT = Path("/src/previewcloud")


def test_defaults_lie_in_the_checkout_and_the_home() -> None:
    site = site_from({"HOME": "/home/ada"}, CHECKOUT)
    assert site.state == CHECKOUT / ".local"
    assert site.cache == Path("/home/ada/.cache/previewcloud")
    assert (site.cluster, site.domain) == ("local", "localhost")


def test_empty_variables_count_as_unset() -> None:
    names = ("PREVIEWCLOUD_STATE", "PREVIEWCLOUD_CACHE", "INSTALLATION_ID", "CLUSTER", "PREVIEW_DOMAIN")
    empty = dict.fromkeys(names, "")
    assert site_from({"HOME": "/h", **empty}, CHECKOUT) == site_from({"HOME": "/h"}, CHECKOUT)


def test_certificates_are_ordered_when_there_is_somebody_to_be_written_to() -> None:
    server = {"ACME_SERVER": "https://ca.internal/dir"}
    assert site_from({"HOME": "/h", **server}, CHECKOUT).acme is None
    ordered = site_from({"HOME": "/h", "ACME_EMAIL": "ops@example.com", **server}, CHECKOUT).acme
    assert ordered == Acme("ops@example.com", "https://ca.internal/dir")


def test_two_state_directories_are_two_installations() -> None:
    one = site_from({"HOME": "/h"}, CHECKOUT)
    two = site_from({"HOME": "/h", "PREVIEWCLOUD_STATE": "/tmp/second/.local"}, CHECKOUT)
    assert one.installation != two.installation
    assert one.installation == installation_of(CHECKOUT / ".local")


def test_an_installation_can_be_named_but_not_inherited_from_another_platform() -> None:
    named = site_from({"HOME": "/h", "INSTALLATION_ID": "staging"}, CHECKOUT)
    assert named.installation == "staging"
    inherited = site_from({"HOME": "/h", "INSTALLATION_ID": "local-0a1b2c"}, CHECKOUT)
    assert inherited.installation == installation_of(CHECKOUT / ".local")


@pytest.mark.parametrize(
    "variables",
    [
        {"CLUSTER": "moon"},
        {"INSTALLATION_ID": "Upper"},
        {"INSTALLATION_ID": "a" * 31},
        {"INSTALLATION_ID": "a b"},
    ],
)
def test_a_bad_value_is_refused_by_name(variables: dict[str, str]) -> None:
    with pytest.raises(StepFailed, match=next(iter(variables))):
        site_from({"HOME": "/h", **variables}, CHECKOUT)

"""Every log has its own secrets beside the platform's, and none of them stands in its lines."""

from __future__ import annotations

from controller.api.names import LogKey
from controller.logs.mask import MASK
from controller.logs.masks import FORMS_MOST, LOGS_MOST, Masks
from tests.unit.logs.entries import BLOG, SHOP


def test_the_platforms_secrets_are_masked_in_every_log() -> None:
    masks = Masks(["platform-key"])
    assert masks.text(SHOP, "a platform-key") == masks.text(BLOG, "a platform-key") == f"a {MASK}"


def test_a_logs_secrets_are_masked_in_that_log() -> None:
    masks = Masks(["platform-key"])
    masks.learn(SHOP, ["shop-secret"])
    masks.learn(SHOP, ["later-secret"])
    assert masks.text(SHOP, "shop-secret later-secret platform-key") == f"{MASK} {MASK} {MASK}"
    assert masks.text(BLOG, "shop-secret") == "shop-secret"


def test_a_longer_secret_counts_before_one_that_is_part_of_it() -> None:
    masks = Masks(["abcdef"])
    masks.learn(SHOP, ["abcdef-and-more"])
    assert masks.text(SHOP, "abcdef-and-more, abcdef") == f"{MASK}, {MASK}"


def test_the_password_in_a_url_is_masked_by_itself() -> None:
    masks = Masks(["mongodb://admin:pl%40tform@db:27017/?authSource=admin"])
    masks.learn(SHOP, ["postgres://user:s3cr3t-w0rd@db:5432/pr_1_db", "https://t0ken-t0ken@git.example"])
    assert masks.text(SHOP, "login with s3cr3t-w0rd") == f"login with {MASK}"
    assert masks.text(SHOP, "token t0ken-t0ken") == f"token {MASK}"
    assert masks.text(SHOP, "pl@tform, pl%40tform") == f"{MASK}, {MASK}"
    assert masks.text(SHOP, "user user") == "user user"


def test_a_secret_is_masked_as_it_stands_in_json() -> None:
    masks = Masks(['pass"word\\1'])
    assert masks.text(SHOP, '{"p": "pass\\"word\\\\1"}') == f'{{"p": "{MASK}"}}'


def test_a_secret_that_was_cut_in_two_is_masked() -> None:
    masks = Masks(["platform-key"])
    assert masks.cut_text(SHOP, "key=platform-k") == f"key={MASK}"
    assert masks.cut_text(SHOP, "key=platform-key") == f"key={MASK}"
    assert masks.cut_text(SHOP, "on the platform") == f"on the {MASK}"
    assert masks.cut_text(SHOP, "plat") == "plat"


def test_a_log_that_is_forgotten_keeps_the_platforms_secrets() -> None:
    masks = Masks(["platform-key"])
    masks.learn(SHOP, ["shop-secret"])
    masks.forget(SHOP)
    masks.forget(BLOG)
    assert masks.text(SHOP, "shop-secret platform-key") == f"shop-secret {MASK}"


def test_of_too_many_secrets_the_newest_are_known() -> None:
    masks = Masks([])
    for number in range(FORMS_MOST + 10):
        masks.learn(SHOP, [f"secret-{number:05d}"])
    assert masks.text(SHOP, f"secret-{FORMS_MOST + 9:05d}") == MASK
    assert masks.text(SHOP, "secret-00000") == "secret-00000"


def test_of_too_many_logs_those_that_are_written_to_are_known() -> None:
    masks = Masks([])
    masks.learn(SHOP, ["shop-secret"])
    for number in range(LOGS_MOST):
        masks.learn(LogKey("acme/many", str(number)), ["another-secret"])
        assert masks.text(SHOP, "shop-secret") == MASK
    assert masks.text(LogKey("acme/many", "0"), "another-secret") == "another-secret"


def test_a_very_long_secret_takes_no_time_to_learn() -> None:
    masks = Masks([])
    masks.learn(SHOP, ["a" * 1_000_000])
    assert masks.text(SHOP, "b" + "a" * 1_000_000) == f"b{MASK}"

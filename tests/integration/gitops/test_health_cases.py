"""Argo CD's health and kstatus, case by case, and what Argo CD offers to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.gitops.health import health, looked_at

FAILED: Mapping[str, bool | str] = {"Ready": False, "Stalled": "Dockerfile does not build."}
FAILED_UPDATE: Mapping[str, bool | str] = {"Ready": True, "Stalled": "Dockerfile does not build."}
DAY_SECONDS = 86_400
EXPIRED = {"Reconciling": False, "Stalled": False}


def thing(
    phase: str | None, conditions: Mapping[str, bool | str], *, observed: int | None = 2, **more: Any
) -> dict[str, Any]:
    """A Preview of generation 2; a condition that is a text is True with that message."""
    listed = [
        {"type": kind, "status": str(bool(is_so)), "reason": "Because", "message": is_so or ""}
        if isinstance(is_so, str)
        else {"type": kind, "status": str(is_so), "reason": "Because", "message": ""}
        for kind, is_so in conditions.items()
    ]
    status = {"phase": phase, "observedGeneration": observed, "conditions": listed}
    metadata = {"name": "pr-1", "generation": 2, **more.pop("metadata", {})}
    made: dict[str, Any] = {
        "apiVersion": "previewcloud.io/v1alpha1",
        "kind": "Preview",
        "metadata": metadata,
        "spec": more,
    }
    if phase is not None:
        made["status"] = {key: value for key, value in status.items() if value is not None}
    return made


@pytest.mark.parametrize(
    ("found", "argocd", "kstatus"),
    [
        (thing("Running", {"Ready": True, "Reconciling": False, "Stalled": False}), "Healthy", "Current"),
        (thing("Creating", {"Ready": False, "Reconciling": "build web"}), "Progressing", "InProgress"),
        (thing("Updating", {"Ready": True, "Reconciling": "build web"}), "Progressing", "InProgress"),
        (thing("Queued", {"Ready": False, "Reconciling": "Place 2."}), "Progressing", "InProgress"),
        (thing("Running", {"Ready": True}, observed=1), "Progressing", "InProgress"),
        (thing("Failed", FAILED, observed=1), "Progressing", "InProgress"),
        (thing("Failed", FAILED), "Degraded", "Failed"),
        (thing("Failed", FAILED_UPDATE), "Degraded", "Failed"),
        (thing("Sleeping", {"Ready": True, "Reconciling": False}), "Suspended", "Current"),
        (thing("Sleeping", FAILED_UPDATE), "Degraded", "Failed"),
        (thing("Expired", EXPIRED), "Suspended", "Current"),
        (thing("Running", {"Ready": True, "Reconciling": False}, suspend=True), "Suspended", "Current"),
        (thing("Running", {"Ready": True}, metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
         "Progressing", "Terminating"),
    ],
)  # fmt: skip
def test_each_state_is_shown_as_what_it_means(found: dict[str, Any], argocd: str, kstatus: str) -> None:
    seen = health(found)
    assert (seen.argocd, seen.kstatus) == (argocd, kstatus)
    assert seen.message


@pytest.mark.parametrize("found", [thing(None, {}), thing("Creating", {}, observed=None)])
def test_what_the_operator_has_not_seen_yet_is_progressing_at_argo_cd(found: dict[str, Any]) -> None:
    assert health(found).argocd == "Progressing"


def test_a_failed_update_says_that_the_version_before_goes_on() -> None:
    assert health(thing("Failed", FAILED_UPDATE)).message == (
        "Dockerfile does not build. The version before goes on serving."
    )
    assert health(thing("Failed", FAILED)).message == "Dockerfile does not build."


@pytest.mark.parametrize(
    ("phase", "offered"),
    [("Running", {"sleep", "redeploy"}), ("Sleeping", {"wake", "redeploy"}), ("Failed", {"redeploy"}),
     ("Expired", {"wake", "redeploy"}), (None, set())],
)  # fmt: skip
def test_argo_cd_offers_what_can_be_done(phase: str | None, offered: set[str]) -> None:
    (answer,) = looked_at([thing(phase, {})], "discovery.lua")
    (actions,) = answer["lua"]
    assert set(actions) == {"wake", "sleep", "redeploy"}
    assert {name for name, action in actions.items() if not action["disabled"]} == offered


@pytest.mark.parametrize("verb", ["wake", "sleep", "redeploy"])
def test_an_action_makes_the_wish_and_leaves_the_rest_alone(verb: str) -> None:
    before = thing("Sleeping", {"Ready": True}, metadata={"annotations": {"kept": "as it is"}})
    (answer,) = looked_at([before], f"{verb}.lua")
    (after,) = answer["lua"]
    wish = after["metadata"]["annotations"].pop(f"previewcloud.io/{verb}")
    assert abs((datetime.now(UTC) - datetime.fromisoformat(wish)).total_seconds()) < DAY_SECONDS
    assert after == before


def test_an_action_works_on_a_preview_without_annotations() -> None:
    (answer,) = looked_at([thing("Sleeping", {"Ready": True})], "wake.lua")
    assert set(answer["lua"][0]["metadata"]["annotations"]) == {"previewcloud.io/wake"}

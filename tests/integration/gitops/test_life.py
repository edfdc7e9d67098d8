"""A preview's whole life as Argo CD and Flux see it, on what the operator itself wrote."""

from __future__ import annotations

import json

from tests.integration.gitops.conftest import Site, phase, preview

TOO_LARGE = [{"name": "web", "image": "web:2", "port": 8080, "resources": {"cpu": "64"}}]
KEEPER = "tests.example.com/keeps"


def shown(site: Site, name: str) -> tuple[str, str]:
    seen = site.health(name)
    return seen.argocd, seen.kstatus


def patch(site: Site, name: str, **changes: object) -> None:
    site.cluster.must("patch", "preview", name, "--type=merge", "-p", json.dumps(changes))


def test_from_the_first_to_the_last_day(site: Site) -> None:
    site.apply(preview("pr-1", 1))
    site.reaches("pr-1", phase("Running"))
    assert shown(site, "pr-1") == ("Healthy", "Current")

    site.apply(preview("pr-1", 1, services=TOO_LARGE))
    site.reaches("pr-1", phase("Failed"))
    assert shown(site, "pr-1") == ("Degraded", "Failed")
    assert site.health("pr-1").message.endswith("The version before goes on serving.")

    site.apply(preview("pr-1", 1))
    site.reaches("pr-1", phase("Running"))
    site.annotate("pr-1", sleep="2026-01-01T00:00:00Z")
    site.reaches("pr-1", phase("Sleeping"))
    assert shown(site, "pr-1") == ("Suspended", "Current")
    site.annotate("pr-1", wake="2026-01-02T00:00:00Z")
    site.reaches("pr-1", phase("Running"))
    assert shown(site, "pr-1") == ("Healthy", "Current")

    patch(site, "pr-1", spec={"suspend": True})
    site.reaches("pr-1", phase("Running"))
    assert shown(site, "pr-1") == ("Suspended", "Current")
    patch(site, "pr-1", spec={"suspend": None, "lifecycle": {"ttl": "1s"}})
    site.reaches("pr-1", phase("Expired"))
    assert shown(site, "pr-1") == ("Suspended", "Current")

    patch(site, "pr-1", metadata={"finalizers": [*site.get("pr-1")["metadata"]["finalizers"], KEEPER]})
    site.cluster.must("delete", "preview", "pr-1", "--wait=false")
    assert shown(site, "pr-1") == ("Progressing", "Terminating")
    site.reaches("pr-1", lambda found: found["metadata"]["finalizers"] == [KEEPER])
    patch(site, "pr-1", metadata={"finalizers": []})


def test_what_never_worked_is_degraded(site: Site) -> None:
    site.apply(preview("pr-2", 2, services=TOO_LARGE))
    site.reaches("pr-2", phase("Failed"))
    assert shown(site, "pr-2") == ("Degraded", "Failed")
    assert "MAX_CPU" in site.health("pr-2").message


def test_what_waits_for_room_and_what_was_not_seen_yet_is_in_progress(site: Site) -> None:
    with site.operator.restarted(MAX_PREVIEWS="1", LIMIT_POLICY="queue"):
        site.apply(preview("pr-3", 3))
        site.reaches("pr-3", phase("Running"))
        site.apply(preview("pr-4", 4))
        site.reaches("pr-4", lambda found: found.get("status", {}).get("phase") == "Queued")
        assert shown(site, "pr-4") == ("Progressing", "InProgress")
        site.operator.stop()
        patch(site, "pr-3", spec={"source": {"commit": "f" * 40}})
        assert shown(site, "pr-3") == ("Progressing", "InProgress")
        site.apply(preview("pr-5", 5))
        assert "conditions" not in site.get("pr-5")["status"]
        assert shown(site, "pr-5") == ("Progressing", "InProgress")

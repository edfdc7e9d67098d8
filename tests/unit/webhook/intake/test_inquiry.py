"""The policy at the base branch, as far as it can be read."""

from __future__ import annotations

from tests.unit.webhook.intake.bridge_world import NEW, SHOP, Bridge, bridge

__all__ = ["bridge"]


def policy(bridge: Bridge, text: str) -> None:
    """Let the preview file at the base say this under `previewcloud:`."""
    base = bridge.hub.pulls[SHOP, 42].base.sha
    content = f"services: {{web: {{image: nginx}}}}\npreviewcloud: {text}\n"
    bridge.hub.set_file(SHOP, "preview.yaml", base, content.encode())


async def test_the_base_branchs_file_says_which_label_is_needed(bridge: Bridge) -> None:
    policy(bridge, "{labels: [try-it]}")
    await bridge.happens("opened")
    assert bridge.preview is None
    bridge.hub.label(SHOP, 42, "try-it")
    await bridge.happens("labeled")
    assert bridge.preview is not None
    bridge.hub.label(SHOP, 42)
    await bridge.happens("unlabeled")
    assert bridge.preview is None


async def test_the_base_branchs_file_says_which_paths_matter(bridge: Bridge) -> None:
    policy(bridge, "{paths: {include: ['src/**']}}")
    bridge.hub.set_changed(SHOP, 42, {"docs/index.md": None})
    await bridge.happens("opened")
    assert bridge.preview is None
    bridge.hub.set_changed(SHOP, 42, {"docs/index.md": None, "src/app.py": None})
    bridge.hub.push(SHOP, 42, NEW)
    await bridge.happens("synchronize")
    assert bridge.preview is not None


async def test_while_github_is_down_the_policy_that_was_read_last_counts(bridge: Bridge) -> None:
    policy(bridge, "{draft: false}")
    bridge.hub.change_pull(SHOP, 42, draft=True)
    await bridge.happens("opened")
    assert bridge.preview is None
    bridge.hub.push(SHOP, 42, NEW)
    late = bridge.event("synchronize")
    late["pull_request"]["base"]["sha"] = "d" * 40
    bridge.github.available = False
    await bridge.deliver("pull_request", late)
    assert bridge.preview is None


async def test_a_broken_file_at_the_base_holds_nothing_up(bridge: Bridge) -> None:
    bridge.hub.set_file(SHOP, "preview.yaml", bridge.hub.pulls[SHOP, 42].base.sha, b"services: [")
    await bridge.happens("opened")
    assert bridge.preview is not None

from pathlib import Path

import yaml

from dev import sample

COMMIT = "c" * 40


def test_the_manifest_fills_in_repository_and_commit_and_keeps_the_rest(tmp_path: Path) -> None:
    example = tmp_path / "preview.yaml"
    example.write_text("apiVersion: previewcloud.io/v1alpha1\nkind: Preview\nspec: {lifecycle: {ttl: 8h}}\n")
    made = yaml.safe_load(sample.manifest(example, "http://127.0.0.1:1/acme/shop.git", COMMIT))
    assert made["metadata"] == {"name": "pr-1", "namespace": "default"}
    assert made["spec"]["lifecycle"] == {"ttl": "8h"}
    assert made["spec"]["source"] == {
        "repository": "acme/shop",
        "cloneURL": "http://127.0.0.1:1/acme/shop.git",
        "commit": COMMIT,
        "pullRequest": 1,
        "trust": "trusted",
    }


def test_a_preview_that_nobody_has_seen_is_not_ready() -> None:
    seen = sample.read({"metadata": {"generation": 1}})
    assert not (seen.ready or seen.current or seen.stalled)
    assert seen.step == "waiting for the operator"


def test_a_ready_preview_says_url_commit_and_conditions() -> None:
    condition = {"type": "Ready", "status": "True", "reason": "Serving", "message": "ok"}
    status = {"observedGeneration": 2, "url": "http://x", "commit": COMMIT, "conditions": [condition]}
    seen = sample.read({"metadata": {"generation": 2}, "status": status})
    assert (seen.current, seen.ready, seen.stalled) == (True, True, False)
    assert (seen.url, seen.commit) == ("http://x", COMMIT)
    assert seen.conditions == ("Ready=True Serving: ok",)


def test_an_old_ready_is_not_current() -> None:
    status = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}
    assert not sample.read({"metadata": {"generation": 2}, "status": status}).current

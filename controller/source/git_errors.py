"""What git says when a fetch fails, in; one of our errors, out.

git's own text stays out of the message: a hostile server writes parts of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from controller.api.errors import BackendUnavailable, InvalidSpec, PreviewError
from controller.source.git_process import Finished
from controller.source.protocol import SourceRef

UNKNOWN = "GitFetchFailed"
_CAUSES: tuple[tuple[str, Callable[[SourceRef], PreviewError]], ...] = (
    (
        # index-pack that says nothing itself was ended by a limit
        r"died of signal (9|24|25|6|11)\b|\Afatal: fetch-pack: invalid index-pack output\Z|File too large|"
        r"[Oo]ut of memory|malloc failed|mmap failed",
        lambda ref: InvalidSpec(
            "SourceTooLarge",
            f"{ref.repository} at {ref.commit[:12]} takes more disk, memory or processor time to fetch "
            "than is allowed; remove large files from the commit.",
        ),
    ),
    (
        r"not our ref|unadvertised object|find remote ref|no such remote ref",
        lambda ref: InvalidSpec(
            "CommitMissing",
            f"{ref.repository} has no commit {ref.commit}, or its server does not hand it out by its id; "
            "push it, or name another commit.",
        ),
    ),
    (
        r"Authentication failed|could not read (Username|Password)|returned error: (401|403|404|410)\b|"
        r"not found|is this a git repository|dumb http transport",
        lambda ref: InvalidSpec(
            "RepositoryNotFound",
            f"the git server knows no {ref.repository} at spec.source.cloneURL, or does not show it with "
            "these credentials; check cloneURL and credentialsSecretRef.",
        ),
    ),
    (
        r"returned error: 3\d\d\b",
        lambda ref: InvalidSpec(
            "RepositoryMoved",
            f"the git server redirects {ref.repository} elsewhere, and redirects are not followed; give "
            "its present address as spec.source.cloneURL.",
        ),
    ),
    (
        r"transport '\w*' not allowed",
        lambda ref: InvalidSpec("CloneURLRefused", "spec.source.cloneURL must use https."),
    ),
    (
        r"returned error: (429|5\d\d)\b|unable to access|timed out|early EOF|hung up|RPC failed|disconnected",
        lambda ref: unavailable(ref, "refuses connections, answers with errors or breaks off"),
    ),
)


def unavailable(ref: SourceRef, how: str) -> BackendUnavailable:
    """The error of a git server that may work later."""
    return BackendUnavailable(
        "GitUnavailable", f"the git server of {ref.repository} {how}; the fetch is tried again."
    )


def fetch_error(ref: SourceRef, finished: Finished) -> PreviewError:
    """Why this fetch failed; `UNKNOWN` as reason when git's message says nothing known."""
    lines = [line for line in finished.stderr.splitlines() if line.strip() and not line.startswith("remote:")]
    text = "\n".join(lines)
    if finished.code < 0:
        text += f"\ndied of signal {-finished.code}"
    for pattern, error in _CAUSES:
        if re.search(pattern, text):
            return error(ref)
    return BackendUnavailable(
        UNKNOWN, f"git could not fetch {ref.repository} at {ref.commit[:12]}; the fetch is tried again."
    )

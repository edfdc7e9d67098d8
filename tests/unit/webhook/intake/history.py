"""A pull request's history on a GitHub of its own, and a bridge that hears of it twice, late, in any order.

`Story` is what happened on GitHub: each step changes the pull request and writes an event. `Bridge` is given
events whenever the test says so, as the desk does it: translated at once, decided when their turn comes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from controller.api.preview import Preview
from tests.unit.webhook.intake import examples
from tests.unit.webhook.intake.examples import SHOP, SUBJECT, at, made
from webhook.cluster.records import Record
from webhook.github.events import Permission, PullRequest, PullRequestEvent
from webhook.intake.close import decide_close
from webhook.intake.decide import decide
from webhook.intake.intent import (
    APPROVE_LABEL,
    Apply,
    Close,
    Consider,
    Decision,
    Facts,
    Known,
    Nothing,
    Remove,
    Rules,
)
from webhook.intake.order import live
from webhook.intake.translate import translate

PERMISSIONS = {"mona": Permission.WRITE, "mallory": Permission.READ}


@dataclass
class Story:
    """What happened on GitHub."""

    head_repo: str | None = SHOP
    second: int = 1
    commits: int = 1
    state: str = "open"
    draft: bool = False
    labels: frozenset[str] = frozenset()
    bases: int = 1
    events: list[PullRequestEvent] = field(default_factory=list)
    approved: set[str] = field(default_factory=set)
    """Commits that somebody with write permission set the label on."""

    @property
    def pull(self) -> PullRequest:
        return examples.pull(
            self.commit,
            self.second,
            head_repo=self.head_repo,
            base=f"{self.bases:040x}",
            state=self.state,
            draft=self.draft,
            labels=tuple(sorted(self.labels)),
        )

    @property
    def commit(self) -> str:
        return f"{self.commits + 1000:040x}"

    def step(self, kind: str, seconds: int) -> None:
        """Something happens, so many seconds after what was before; what cannot happen does not."""
        if kind not in self._possible():
            return
        if self.events:
            self.second += seconds
        before, label, sender = self.commit, None, "mona"
        what, _, of = kind.partition(":")
        if what == "approve":
            label, sender = APPROVE_LABEL, of
        elif what in {"label", "unlabel"}:
            label = of
        self._change(what, label, sender)
        self.events.append(
            examples.event(
                _ACTIONS[what],
                self.pull,
                sender=sender,
                label=label,
                before=before if what == "push" else None,
                new_base=what == "base",
            )
        )

    def _change(self, what: str, label: str | None, sender: str) -> None:
        match what:
            case "push":
                self.commits += 1
            case "draft" | "ready":
                self.draft = not self.draft
            case "base":
                self.bases += 1
            case "close" | "reopen":
                self.state = "closed" if what == "close" else "open"
            case "label" | "approve":
                self.labels |= {label or ""}
            case "unlabel":
                self.labels -= {label or ""}
        if what == "approve" and sender == "mona" and self.state == "open":
            self.approved.add(self.commit)

    def _possible(self) -> set[str]:
        if not self.events:
            return {"open"}
        always = {"unlabel:wanted" if "wanted" in self.labels else "label:wanted"}
        always |= (
            {"unlabel:preview-ok"} if APPROVE_LABEL in self.labels else {"approve:mona", "approve:mallory"}
        )
        if self.state == "closed":
            return always | {"reopen"}
        return always | {"push", "base", "close", "ready" if self.draft else "draft"}


_ACTIONS = {
    "open": "opened",
    "push": "synchronize",
    "draft": "converted_to_draft",
    "ready": "ready_for_review",
    "base": "edited",
    "close": "closed",
    "reopen": "reopened",
    "label": "labeled",
    "approve": "labeled",
    "unlabel": "unlabeled",
}


@dataclass
class Bridge:
    """The desk over a cluster that is one Preview and one Record."""

    rules: Rules
    story: Story
    preview: Preview | None = None
    record: Record = field(default_factory=Record)
    queue: deque[Consider | Close] = field(default_factory=deque)
    newest: datetime | None = None
    """Of all events whose turn is over."""
    commits: list[str] = field(default_factory=list)
    """What was applied, in this order."""

    @property
    def known(self) -> Known:
        return Known(self.preview, self.record)

    def receive(self, event: PullRequestEvent) -> None:
        """A delivery comes: answered at once, or put into the line."""
        intent = translate(event, self.known, self.rules)
        waiting = intent.later if isinstance(intent, Nothing) else intent
        assert waiting is None or isinstance(waiting, Consider | Close)
        if waiting is not None:
            self.queue.append(waiting)

    def turn(self, *, asked: bool) -> None:
        """The first in the line has its turn; GitHub answers, or is down."""
        if not self.queue:
            return
        intent = self.queue.popleft()
        if isinstance(intent, Close):
            self.carry_out(decide_close(intent, self.known))
            self._over(intent.at)
        else:
            self.consider(intent, asked=asked)
            self._over(intent.pull.updated_at)

    def consider(self, intent: Consider, *, asked: bool) -> None:
        asked = asked and self.rules.asks_github
        permission = PERMISSIONS[intent.approver] if asked and intent.approver is not None else None
        facts = Facts(
            pull=self.story.pull if asked else intent.pull,
            known=self.known,
            approver=permission,
            git_secret="shop-git",
            registry_secret="shop-registry",
            asked=asked,
        )
        self.carry_out(decide(intent, facts, self.rules))

    def destroy(self) -> None:
        """Somebody wishes the Preview away."""
        self.story.second += 1
        if live(self.known) is not None:
            self.record = self.record.model_copy(update={"destroyed": at(self.story.second)})
            self.preview = None
        self.story.second += 1

    def carry_out(self, decision: Decision) -> None:
        self._remember(decision)
        match decision:
            case Apply():
                self.preview = made(decision.wanted)
                self.commits.append(self.preview.spec.source.commit)
            case Remove():
                self.preview = None

    def _remember(self, decision: Decision) -> None:
        fields = {**dict(self.record), **decision.remember}
        self.record = Record.model_validate({name: one for name, one in fields.items() if one is not None})

    def _over(self, moment: datetime) -> None:
        self.newest = moment if self.newest is None else max(self.newest, moment)

    def catch_up(self, *, asked: bool = True) -> None:
        """All that waits has its turn."""
        while self.queue:
            self.turn(asked=asked)

    def compare(self) -> None:
        """The comparison looks at the pull request as it is now."""
        self.consider(Consider(SUBJECT, self.story.pull, "comparison"), asked=True)


def wanted(story: Story, rules: Rules) -> str | None:
    """The commit that a Preview must be at by what GitHub has now, if nobody destroyed it."""
    missing = bool(rules.labels) and not story.labels.intersection(rules.labels)
    unwanted = story.state == "closed" or (story.draft and not rules.draft) or missing
    return None if unwanted else story.commit


def snapshot(bridge: Bridge) -> tuple[str | None, str | None]:
    """What the cluster runs."""
    one = bridge.preview
    return (None, None) if one is None else (one.spec.source.commit, one.spec.source.approved_commit)

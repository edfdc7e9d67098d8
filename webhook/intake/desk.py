"""The desk: every delivery comes here, and what it asks for is carried out, one thing after the other per
subject.

    delivery ──▶ translate ──▶ Nothing: answered with its reason
                          └──▶ queue ──▶ facts ──▶ decide ──▶ apply, remove, or nothing: logged with why

The answer to a delivery never waits for GitHub or the cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import structlog

from controller.api.errors import NotReady, PreviewError
from controller.api.preview import Preview
from controller.clock import Clock
from webhook.cluster.protocol import Cluster
from webhook.github.events import Event
from webhook.github.protocol import GitHub
from webhook.intake.close import decide_close, kept
from webhook.intake.decide import decide, decide_branch
from webhook.intake.inquiry import Inquiry
from webhook.intake.intent import (
    APPROVE_LABEL,
    Apply,
    Close,
    Consider,
    ConsiderBranch,
    Decision,
    Intent,
    Known,
    Nothing,
    Remove,
    Rules,
    Run,
)
from webhook.intake.order import live
from webhook.intake.orders import Orders
from webhook.intake.queue import Queue, Work
from webhook.intake.said import applied, ordered, refused, removed
from webhook.intake.translate import subject_of, translate
from webhook.logs.told import Said, Told, Unheard
from webhook.subject import Subject

log = structlog.get_logger()

CONSIDER, BRANCH = "consider", "branch"
COMMAND_DONE = Nothing("CommandDone", "This command, or one given after it, was carried out already.")
TOO_MUCH = Nothing(
    "TooMuchWaiting", "Too much waits for this pull request already; the comparison catches up."
)


@dataclass(frozen=True)
class World:
    """What the desk works with; without `github` nothing is asked and nothing is told."""

    cluster: Cluster
    github: GitHub | None
    clock: Clock
    queue: Queue
    poke: Callable[[Subject], None]
    """Tells the reporter that a Record's notice changed."""
    told: Told = field(default_factory=Unheard)
    """Has what was decided about a Preview stand in its log."""


class Desk:
    """Carries out what deliveries, commands and the comparison ask for."""

    def __init__(self, world: World, rules: Rules) -> None:
        self._world = world
        self._rules = rules
        self._inquiry = Inquiry(world.cluster, world.github, rules)
        self._orders = Orders(world.github, self._inquiry)

    @property
    def rules(self) -> Rules:
        """What the settings say."""
        return self._rules

    def take(self, event: Event) -> Nothing | None:
        """Take an event; None when something will be done about it, else the reason why not."""
        subject = subject_of(event)
        if subject is not None and not self._world.cluster.ready:
            work = Work(subject, partial(self._later, event))
            return None if self._world.queue.put(work) else TOO_MUCH
        known = self._inquiry.known(subject) if subject is not None else Known()
        intent = translate(event, known, self._rules)
        if isinstance(intent, Nothing) and intent.later is not None:
            self.put(intent.later)
        return self.put(intent)

    def put(self, intent: Intent) -> Nothing | None:
        """Have an intent carried out in its turn; None when it will be, else the reason why not."""
        match intent:
            case Nothing():
                return intent
            case Consider():
                work = Work(intent.subject, partial(self._consider, intent), self._kind(intent))
            case ConsiderBranch():
                kind = BRANCH if self._rules.asks_github else ""
                work = Work(intent.subject, partial(self._branch, intent), kind)
            case Close():
                work = Work(intent.subject, partial(self._close, intent))
            case Run() if self._done(intent):
                return COMMAND_DONE
            case Run():
                work = Work(intent.subject, partial(self._run, intent))
        return None if self._world.queue.put(work) else TOO_MUCH

    def _kind(self, intent: Consider) -> str:
        """What a later look makes superfluous.

        Not one that carries an approval, brings back or closes; and without asking GitHub none at all, since
        what comes later need not be the newer.
        """
        alone = intent.approver or intent.again or intent.action == "closed"
        return "" if alone or not self._rules.asks_github else CONSIDER

    async def _later(self, event: Event) -> None:
        """An event that came before the cluster was read, or while it could not be watched."""
        if not self._world.cluster.ready:
            raise NotReady(
                "ClusterNotRead", "The previews have not been read yet; the event is looked at then."
            )
        nothing = self.take(event)
        if nothing is not None:
            log.info("nothing done", reason=nothing.reason, message=nothing.message)

    async def _consider(self, intent: Consider) -> None:
        facts = await self._inquiry.facts(intent)
        await self._carry_out(intent.subject, decide(intent, facts, self._rules), intent)

    async def _branch(self, intent: ConsiderBranch) -> None:
        facts = await self._inquiry.branch_facts(intent)
        await self._carry_out(intent.subject, decide_branch(intent, facts, self._rules))

    async def _close(self, intent: Close) -> None:
        await self._carry_out(intent.subject, decide_close(intent, self._inquiry.known(intent.subject)))

    async def _carry_out(self, subject: Subject, decision: Decision, intent: Consider | None = None) -> None:
        """What is to be remembered comes first: it must not be forgotten when the bridge ends in between."""
        cluster = self._world.cluster
        before = cluster.of(subject)
        if decision.remember:
            await cluster.remember(subject, **decision.remember)
        match decision:
            case Nothing():
                log.info(
                    "nothing done", subject=str(subject), reason=decision.reason, message=decision.message
                )
                self._tell(before, refused(decision, intent))
            case Remove():
                await cluster.delete(decision.preview)
                log.info("preview removed", subject=str(subject), reason=decision.reason)
                self._tell(decision.preview, removed(decision, intent))
            case Apply():
                preview = await cluster.apply(decision.wanted)
                log.info("preview applied", subject=str(subject), commit=preview.spec.source.commit)
                self._tell(preview, applied(before, preview, intent))
        if not isinstance(decision, Remove) and decision.drop_label:
            await self._drop_label(subject)

    def _tell(self, preview: Preview | None, said: Said | None) -> None:
        if preview is not None and said is not None:
            self._world.told.tell(preview, said)

    async def _drop_label(self, subject: Subject) -> None:
        """The label does not approve by itself, so that one which stays is only a blemish."""
        github = self._world.github
        if github is None or subject.pull_request is None:
            return
        try:
            await github.remove_label(subject.repository, subject.pull_request, APPROVE_LABEL)
        except PreviewError as error:
            log.warning("label stays", subject=str(subject), reason=error.reason, message=error.message)

    def _done(self, order: Run) -> bool:
        """Comments' ids grow; a delivery that comes again, or late, must not destroy what came after it."""
        newest = self._world.cluster.record(order.subject).command
        return newest is not None and newest >= order.comment

    async def _run(self, intent: Run) -> None:
        if self._done(intent):
            return
        cluster, subject = self._world.cluster, intent.subject
        effect, pull = await self._orders.effect(intent)
        await self._orders.react(intent, effect)
        before = preview = live(self._inquiry.known(subject))
        if effect.destroy and preview is not None:
            await cluster.remember(subject, destroyed=intent.at, **kept(preview))
            await cluster.delete(preview)
        if pull is not None and (effect.approve or effect.consider):
            approver = intent.login if effect.approve else None
            await self._consider(Consider(subject, pull, "command", approver, again=effect.consider))
        preview = cluster.of(subject)
        if preview is not None and effect.annotations:
            await cluster.annotate(preview.key, effect.annotations)
        link = {"linked": intent.at} if effect.new_link else {}
        await cluster.remember(subject, notice=effect.notice, command=intent.comment, **link)
        self._tell(cluster.of(subject) or before, ordered(intent, effect))
        self._world.poke(subject)

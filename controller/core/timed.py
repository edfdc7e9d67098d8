"""Timed: in which stage a preview spends its time, by what is done. Pure."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum

from controller.core import actions as act


class TimedStage(StrEnum):
    """What the time of a pass is told by."""

    SOURCE = "source"
    BUILD = "build"
    DATABASE = "database"
    START = "start"
    READY = "ready"
    ROUTE = "route"
    REMOVE = "remove"
    """What is no longer wanted: instances asked to end, networks, images, databases."""


def timed_stage(action: act.Action) -> TimedStage:
    """The stage that an action belongs to."""
    match action:
        case act.BuildImage() | act.PullImage():
            return TimedStage.BUILD
        case act.StoreCredentials() | act.CreateDatabase() | act.Migrate():
            return TimedStage.DATABASE
        case (
            act.CreateNetwork()
            | act.CreateInstance()
            | act.StartInstance()
            | act.ResumeInstance()
            | act.AttachInstance()
        ):
            return TimedStage.START
        case act.AwaitReady():
            return TimedStage.READY
        case act.Publish() | act.ConfirmRoutes() | act.PublishPage() | act.ConfirmPage() | act.Withdraw():
            return TimedStage.ROUTE
        case _:
            return TimedStage.REMOVE


Timed = Callable[[TimedStage, str, str | None], AbstractContextManager[None]]
"""Times a part of a pass for as long as it is entered: its stage, its name, the service it is about."""


def untimed(stage: TimedStage, name: str, service: str | None) -> AbstractContextManager[None]:
    """Nobody wants to know."""
    return nullcontext()


def service_of(action: act.Action) -> str | None:
    """The service that an action is about, if it is about one alone."""
    match action:
        case act.BuildImage(image) | act.PullImage(image):
            return image.service
        case act.CreateInstance(instance) | act.StartInstance(instance):
            return instance.service
        case act.AttachInstance():
            return action.service
        case _:
            return None

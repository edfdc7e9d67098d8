"""Timed: in which stage a preview spends its time, by what is done. Pure."""

from __future__ import annotations

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

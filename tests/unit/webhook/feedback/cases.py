"""One View for each state that can be told; the names are those of the golden files."""

from __future__ import annotations

from dataclasses import replace

from controller.api.status import DatabaseStatus, Phase
from tests.unit.webhook.feedback.examples import (
    BUILD_FAILED,
    ENGINE_AWAY,
    NOW,
    A,
    B,
    asleep,
    expired,
    expiring,
    preview,
    pushed,
    queued,
    retried,
    running,
    seen,
    service,
    stalled,
    stepping,
    waking,
)
from webhook.cluster.records import Record
from webhook.feedback.view import View

FORK = {"trust": "fork", "configCommit": "c3" * 20}
SERVICES = (service("web"), service("api", "restarting"), service("jobs", "missing", public=False))
DATABASES = tuple(
    DatabaseStatus(label=label, type=kind, name=f"pr_42_{label}_db", secret_name="s")
    for label, kind in (("main", "postgres"), ("events", "mongodb"))
)
LOG = "https://previews.example.com/previews/pr-42?pass=eyJh.eyJ-x_y.z"
NOTICE = "@octocat: nothing was done, `/preview pin` needs write permission. See #7 | <b>bold</b>"

CASES: dict[str, View] = {
    "created": seen(preview()),
    "creating": seen(stepping(preview(), "build web as previewcloud/acme-shop/web:a1a1a1a1a1a1-9e9ae3e2")),
    "tried_again": seen(retried(preview(), ENGINE_AWAY)),
    "running": seen(running(preview())),
    "several_services": seen(running(preview(), *SERVICES, databases=DATABASES)),
    "pushed": seen(pushed(running(preview()))),
    "updating": seen(stepping(pushed(running(preview())), "start web")),
    "failed_build": seen(stalled(preview(), BUILD_FAILED)),
    "failed_update": seen(stalled(pushed(running(preview())), BUILD_FAILED)),
    "waiting": seen(preview(**FORK)),
    "waiting_update": seen(pushed(running(preview(**FORK, approvedCommit=A)), B)),
    "queued": seen(queued(preview())),
    "sleeping": seen(asleep(preview())),
    "waking": seen(waking(preview())),
    "expired": seen(expired(preview())),
    "expiring": seen(expiring(running(preview()))),
    "removing": seen(running(preview(), phase=Phase.DESTROYING)),
    "closed": seen(None, Record(closed=NOW)),
    "destroyed": seen(None, Record(destroyed=NOW, notice="Destroyed; /preview deploy brings it back.")),
    "none": seen(None, Record(notice="There is no preview: the pull request is a draft.")),
    "logs": replace(seen(running(preview())), log_url=LOG),
    "notice": seen(running(preview()), Record(notice=NOTICE)),
}

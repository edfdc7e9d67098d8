"""What a log page shows, read from the cluster and the store.

address ──▶ Asked ──▶ store ──▶ Part: lines, and whether there are older ones
pass ──▶ the very Preview it was made for ──▶ Headline
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.api.conditions import find, is_true
from controller.api.names import LogKey
from controller.api.preview import Preview
from controller.api.status import ConditionType
from controller.logs.protocol import LogType
from controller.logs.render import line_json
from controller.logs.store import LogStore, Page
from webhook.cluster.protocol import Cluster
from webhook.logs.page_view import Asked, Headline, Part
from webhook.logs.passes import Pass
from webhook.rest.answer import short
from webhook.rest.api import Api

LINES = 200
"""That are shown, or given to the script, at once."""
_TEXT_MAX, _SERVICE_MAX, _DIGITS_MAX = 200, 63, 16


def asked_of(query: Mapping[str, str]) -> Asked:
    """What an address asks for; what it cannot mean is left out, since people edit addresses."""
    kind, before = query.get("type", ""), query.get("before", "")
    number = before.isascii() and before.isdigit() and len(before) <= _DIGITS_MAX
    return Asked(
        service=query.get("service", "")[:_SERVICE_MAX],
        type=kind if kind in tuple(LogType) else "",
        text=query.get("q", "")[:_TEXT_MAX],
        before=int(before) if number else None,
    )


async def read_part(store: LogStore, key: LogKey, asked: Asked) -> Part:
    """The newest lines that are asked for; raises BackendUnavailable (LogStoreUnavailable)."""
    last = (await store.last((key,))).get(key, 0)
    found = await store.read(key, asked.where(), Page(LINES + 1, last=True))
    lines = found[-LINES:]
    return Part(lines, len(found) > LINES, max(last, lines[-1].sequence) if lines else last)


def lines_json(part: Part) -> bytes:
    """Lines for the script, each as the API answers it."""
    lines = ",".join(map(line_json, part.lines)).encode("utf-8", "replace")
    more = b"true" if part.more else b"false"
    return b'{"success":true,"data":[%b],"last":%d,"more":%b}' % (lines, part.last, more)


def preview_of(cluster: Cluster, opened: Pass) -> Preview | None:
    """The Preview whose log a pass opens; None when it is gone, also when another one has its slug now."""
    preview = cluster.by_slug(opened.preview_id)
    return preview if preview is not None and preview.log_key == opened.key else None


def headline_of(api: Api, opened: Pass, preview: Preview | None, part: Part) -> Headline:
    """What is said above the lines; of a Preview that is gone, as much as its lines say."""
    if preview is not None:
        return _headline(api, preview)
    last = part.lines[-1].entry if part.lines else None
    repository = opened.key.repository
    return Headline(
        state="gone" if api.cluster.ready else "unknown",
        repository=repository,
        repository_url=_web(api, repository),
        pull_request=last.pr_number if last else None,
        commit=last.commit if last else None,
    )


def _headline(api: Api, preview: Preview) -> Headline:
    source, status, told = preview.spec.source, preview.status, short(preview)
    stalled = find(status.conditions, ConditionType.STALLED)
    trouble = is_true(status.conditions, ConditionType.STALLED) and stalled is not None
    named = [service.name for service in preview.spec.services]
    named += [service.name for service in status.services]
    ours = (source.clone_url or "").lower().startswith(_web(api, "").lower())
    return Headline(
        state=told.status,
        repository=source.repository,
        repository_url=_web(api, source.repository) if ours else "",
        pull_request=source.pull_request,
        branch=source.branch,
        commit=source.commit,
        urls=tuple(told.urls.values()),
        services=tuple(dict.fromkeys(named)),
        trouble=f"{stalled.reason}: {stalled.message}" if trouble and stalled else "",
    )


def _web(api: Api, repository: str) -> str:
    """Where people see a repository."""
    return f"{api.settings.github_clone_url.rstrip('/')}/{repository}"

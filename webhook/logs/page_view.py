"""The log page as HTML: a headline, a filter, and lines that can be read without a script. Pure.

    what is to be shown ──▶ escaped ──▶ templates of page/ ──▶ HTML

Every text is escaped here, in the one function that fills templates. A line that has colours, or was written
over, is shown as plain text, and carries what it was in an attribute: the script makes colours of that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from string import Template
from urllib.parse import urlencode

from controller.logs.protocol import LogType
from controller.logs.render import time_text
from controller.logs.store import Filter, Line
from webhook.logs.plain import plain

_ADDRESS = re.compile(r"https?://[!-~]+")
_IN_ATTRIBUTE = str.maketrans({"\x00": "\x01", "\r": "&#13;", "\n": "&#10;"})
"""What HTML would change: it has no NUL, and reads a carriage return as a line end."""


class Html(str):
    """Markup of our own, in which all that came from elsewhere is escaped."""

    __slots__ = ()


NOTHING, HIDDEN = Html(""), Html("hidden")


@dataclass(frozen=True)
class Asked:
    """What was asked for; empty: all."""

    service: str = ""
    type: str = ""
    text: str = ""
    before: int | None = None

    def query(self, secret: str, **more: str) -> str:
        """The same as the query of an address, with the pass in it."""
        told = {"pass": secret, "service": self.service, "type": self.type, "q": self.text, **more}
        return urlencode({name: value for name, value in told.items() if value})

    def where(self) -> Filter:
        """The same for the store."""
        return Filter(
            types=frozenset({LogType(self.type)} if self.type else ()),
            services=frozenset({self.service} if self.service else ()),
            text=self.text,
            before=self.before,
        )


@dataclass(frozen=True)
class Part:
    """Lines that are shown at once."""

    lines: Sequence[Line] = ()
    more: bool = False
    """There are older ones."""
    last: int = 0
    """Every line up to this sequence was looked at."""


@dataclass(frozen=True)
class Headline:
    """What is said of the Preview above its lines."""

    state: str
    repository: str
    repository_url: str
    pull_request: int | None = None
    branch: str | None = None
    commit: str | None = None
    urls: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True)
class LogPage:
    """All that one page shows."""

    preview_id: str
    secret: str = field(repr=False)
    """The pass, for the addresses in the page."""
    headline: Headline
    asked: Asked
    part: Part
    live: bool = True
    """It is to be followed."""
    notice: str = ""


@dataclass(frozen=True)
class Templates:
    """The page's parts, and where its script and style are found."""

    page: Template
    refused: Template
    css: str
    """Where its style is found."""
    script: str

    def log(self, page: LogPage) -> str:
        """The log page."""
        asked, name = page.asked, page.preview_id
        first = str(page.part.lines[0].sequence) if page.part.lines else ""
        return _filled(
            self.page,
            title=f"{name} · log",
            css=self.css,
            script=self.script,
            id=name,
            state=page.headline.state,
            facts=_facts(page.headline),
            urls=_joined(_link(url, url) for url in page.headline.urls),
            trouble=_trouble(page.headline),
            services=_options(_services(page), asked.service),
            types=_options(tuple(LogType), asked.type),
            q=asked.text,
            download=f"{name}/download?{asked.query(page.secret)}",
            older=f"?{asked.query(page.secret, before=first)}",
            first=NOTHING if page.part.more else HIDDEN,
            last=str(page.part.last),
            live="yes" if page.live and asked.before is None else "",
            lines=_joined((line_html(line) for line in page.part.lines), "\n"),
            none=HIDDEN if page.part.lines else NOTHING,
            newest=NOTHING if asked.before is None else _newest(page),
            notice=page.notice,
            **{"pass": page.secret},
        )

    def refusal(self, title: str, reason: str, remedy: str) -> str:
        """The page for who is not let in."""
        return _filled(self.refused, title=title, css=self.css, reason=reason, remedy=remedy)


def line_html(line: Line) -> Html:
    """One line."""
    entry, time = line.entry, time_text(line.entry.created_at)
    text, service = plain(entry.message), entry.service or ""
    return Html(
        f'<li class="{entry.stream or ""}" data-s="{line.sequence}">'
        f'<time title="{time}">{time[5:23].replace("T", " ")}</time> '
        f'<span class="of">{_escaped(f"{entry.type} {service}")}</span> '
        f'<span class="m"{_raw(entry.message, text)}>{_escaped(text)}</span></li>'
    )


def _raw(message: str, text: str) -> Html:
    """What a line was, where that is not what it shows."""
    return NOTHING if message == text else Html(f' data-raw="{_escaped(message).translate(_IN_ATTRIBUTE)}"')


def _facts(of: Headline) -> Html:
    """Repository, pull request or branch, commit."""
    facts = [_link(of.repository_url, of.repository)]
    if of.pull_request is not None:
        number = of.pull_request
        facts.append(_link(f"{of.repository_url}/pull/{number}", f"pull request #{number}"))
    elif of.branch:
        facts.append(Html(f"<span>branch {_escaped(of.branch)}</span>"))
    if of.commit:
        facts.append(_link(f"{of.repository_url}/commit/{of.commit}", f"commit {of.commit[:7]}"))
    return _joined(facts)


def _trouble(of: Headline) -> Html:
    """Why it is not as it should be; the style hides that when the state becomes another."""
    if not of.trouble:
        return NOTHING
    return Html(f'<p class="trouble {_escaped(of.state)}">{_escaped(plain(of.trouble))}</p>')


def _newest(page: LogPage) -> Html:
    return Html(f'<a href="?{_escaped(page.asked.query(page.secret))}">Newest lines</a>')


def _link(url: str, words: str) -> Html:
    """Words that lead somewhere; the words alone where that is no address of the web."""
    if not _ADDRESS.fullmatch(url):
        return Html(f"<span>{_escaped(words)}</span>")
    return Html(f'<a href="{_escaped(url)}" rel="noopener noreferrer">{_escaped(words)}</a>')


def _services(page: LogPage) -> tuple[str, ...]:
    """Those that may be chosen: of the Preview, and of the lines."""
    said = {line.entry.service for line in page.part.lines} | {page.asked.service, *page.headline.services}
    return tuple(sorted(service for service in said if service))


def _options(values: Sequence[str], chosen: str) -> Html:
    """Choices of a filter, the first of which is all."""
    return _joined(
        Html(f'<option value="{_escaped(value)}"{" selected" if value == chosen else ""}>{_escaped(words)}')
        for value, words in (("", "all"), *((value, value) for value in values))
    )


def _joined(parts: Iterable[Html], between: str = "") -> Html:
    return Html(between.join(parts))


def _filled(template: Template, **values: str) -> str:
    """A template with its values."""
    return template.substitute({name: _escaped(value) for name, value in values.items()})


def _escaped(value: str) -> Html:
    """Text as HTML; what is HTML already, as it is. Halves of characters become question marks."""
    return value if isinstance(value, Html) else Html(escape(value.encode("utf-8", "replace").decode()))

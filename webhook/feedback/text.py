"""Text of strangers on its way into Markdown: nothing in it formats, links, notifies or hides. Pure.

GitHub looks for mentions and references after Markdown was rendered, so that a backslash or an entity does
not stop them; a character of no width does (GitHub Flavored Markdown Spec, 6.9 Autolinks; GitHub Docs,
"Autolinked references and URLs"). An answer by e-mail quotes the text of a code block, where GitHub then
looks for mentions too: they are broken there as well.
"""

from __future__ import annotations

import re
import unicodedata

BREAK = "\u200b"
"""A character of no width."""
CUT = "…"
ADDRESS_MAX = 500
SIGNED_MAX = 2000
"""Of an address with a pass in it: of a repository with a long name it has some 700 characters."""
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])?")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control, format (direction, no width), surrogates, separators: what changes how the rest is read."""
_MARKUP = re.compile(r"[\\`*_\[\]|~]")
"""What formats in the middle of a line; a stranger's text never begins one."""
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"})
_REFERENCES = re.compile(r"(@|#|:(?=//)|\bGH(?=-)|\bwww(?=\.))", re.IGNORECASE)
_MENTION = re.compile(r"@(?=\w)")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(?:/[A-Za-z0-9._~/%-]*)?", re.ASCII)
_SIGNED = re.compile(_ADDRESS.pattern + r"\?pass=[A-Za-z0-9._-]+", re.ASCII)
_BMP_LAST = 0xFFFF


def clean(line: str) -> str:
    """One line without what a terminal obeys and what is not seen."""
    plain = _TERMINAL.sub("", line)
    return "".join(c for c in plain if c == "\t" or unicodedata.category(c) not in _UNSEEN)


def sentence(text: str, limit: int) -> str:
    """The words of a text in one line, at most so many characters."""
    words = " ".join(part for line in text.splitlines() if (part := " ".join(clean(line).split())))
    return words if len(words) <= limit else words[: limit - 1].rstrip() + CUT


def inert(text: str) -> str:
    """The same text, in which nobody is mentioned and nothing is referred to."""
    return _REFERENCES.sub(rf"\1{BREAK}", text)


def unmentioned(text: str) -> str:
    """The same text, in which nobody is mentioned; in code nothing else is looked for."""
    return _MENTION.sub(f"@{BREAK}", text)


def escaped(text: str, limit: int = 1000) -> str:
    """One line of a stranger's text inside a line of Markdown, also in a table."""
    return _literal(inert(sentence(text, limit)))


def code(text: str, limit: int = 300) -> str:
    """A name as code inside a line, also in a table; nothing where it is empty."""
    words = unmentioned(sentence(text, limit)).replace("`", "'").replace("|", "\\|")
    return f"`{words}`" if words else ""


def fenced(text: str) -> str:
    """Lines as a block of code that none of them can close; they are as `printable` gives them."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def printable(lines: tuple[str, ...], width: int = 1000) -> tuple[str, ...]:
    """Lines of output as they can stand in a block of code, each at most `width` characters."""
    parts = (unmentioned(clean(part).rstrip()) for line in lines for part in line.splitlines() or [""])
    return tuple(part if len(part) <= width else part[: width - 1] + CUT for part in parts)


def link(url: str | None) -> str:
    """An address that can be clicked on; as code where it has anything in it that is not of an address."""
    if not url:
        return ""
    if not _is_address(url):
        return code(url)
    return f"[{_literal(url.split('://', 1)[1].rstrip('/'))}]({url})"


def linked(words: str, url: str | None) -> str:
    """Words of our own that lead to an address, where there is a good one."""
    return f"[{words}]({url})" if url and _is_address(url) else words


def signed(words: str, url: str) -> str:
    """Words of our own that lead to a page which a pass opens; nothing where there is none."""
    return f"[{words}]({url})" if len(url) <= SIGNED_MAX and _SIGNED.fullmatch(url) else ""


def description(text: str, limit: int = 140) -> str:
    """Text for a status: GitHub takes 140 characters there, none of them above U+FFFF."""
    return sentence("".join(c for c in text if ord(c) <= _BMP_LAST), limit)


def _literal(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", text).translate(_ENTITIES)


def _is_address(url: str) -> bool:
    return len(url) <= ADDRESS_MAX and _ADDRESS.fullmatch(url) is not None

"""What terminals are sent, and the text left to read; the same for the server and the page's script."""

from __future__ import annotations

READ: dict[str, tuple[str, str]] = {
    "as it is": ("listening on :8080\t(ok)", "listening on :8080\t(ok)"),
    "colours": ("\x1b[1;31merror\x1b[0m: no such table", "error: no such table"),
    "256 colours and all": ("\x1b[38;5;208ma\x1b[48;2;1;2;3mb\x1b[38:2::4:5:6mc\x1b[m", "abc"),
    "what is written over": ("10%\r50%\r100%", "100%"),
    "a carriage return at the end": ("50%\r", "50%"),
    "colours after a carriage return": ("50%\r\x1b[0m", "50%"),
    "written over with nothing between": ("50%\r\r60%\r\r", "60%"),
    "erased and written over": ("\x1b[2K\x1b[1Gfirst\r\x1b[Ksecond", "second"),
    "several lines": ("one\ntwo\rthree\n\nfour", "one\nthree\n\nfour"),
    "a windows line end": ("one\r\ntwo", "one\ntwo"),
    "a title": ("\x1b]0;owned\x07text", "text"),
    "a link": ("\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\", "click"),
    "a title that does not end": ("\x1b]0;all of it is read", "0;all of it is read"),
    "a sequence that does not end": ("\x1b[31", "31"),
    "a cursor that goes up": ("\x1b[5A\x1b[2Jgone?", "gone?"),
    "eight bit sequences": ("\x9b31mred\x9d0;title\x9cend", "red0;titleend"),
    "other escapes": ("\x1b(B\x1b=\x1bcreset", "reset"),
    "control characters": ("a\x00b\x07c\x08d\x7fe\x85f\x0bg", "abcdefg"),
    "a character set": ("\x1b%Gutf-8 \u00e9\u2713\U0001f600", "utf-8 \u00e9\u2713\U0001f600"),
    "nothing": ("", ""),
    "only colours": ("\x1b[0m", ""),
}
"""By what it is: the message, and what is read."""

HOSTILE: tuple[str, ...] = (
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "</li></ol><h1 id=owned>owned</h1>",
    "\"><svg onload=document.title='owned'>",
    "\x1b[31m<script>document.title='owned'</script>\x1b[0m",
    '\x1b[31m" onmouseover="document.title=\'owned\'" x="\x1b[0m',
    "\x1b[38;2;1);background:url(//evil.example/x);color:rgb(1m text",
    "&lt;b&gt;&#60;b&#62;&amp;",
    "$secret ${pass} $$",
    "javascript:document.title='owned'",
    "\u202eevil\u2066 right to left",
    "<!-- ]]> --!>",
    "a\x00<b>\r<i>c",
)
"""Messages that would like to be more than text."""

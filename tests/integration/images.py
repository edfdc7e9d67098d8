"""Images for tests, made from what is on the engine already: no registry is asked."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from contextlib import closing, suppress

import docker
from docker.errors import ImageNotFound

BASE_IMAGE = os.environ.get("BASE_IMAGE", "debian:bookworm-slim")
"""Has a shell and perl; `make up` brings it."""

LISTEN = (
    "use IO::Socket::INET; $|=1; $SIG{TERM}=sub{print qq(ended\\n); exit 0};"
    "my $s=IO::Socket::INET->new(LocalAddr=>$ENV{ADDRESS}||'0.0.0.0',LocalPort=>$ENV{PORT},"
    "Listen=>64,ReuseAddr=>1) or die; print qq(listening\\n);"
    "while(1){my $c=$s->accept or next; my $h='';while(<$c>){last if /^\\r\\n$/}"
    'print $c "HTTP/1.0 200 OK\\r\\n\\r\\nhello from $ENV{SERVICE_NAME}";close $c}'
)
"""A perl program that answers every request on $PORT and ends on SIGTERM."""


def build(reference: str, dockerfile: str, files: Mapping[str, str] | None = None) -> str:
    """Build an image with the engine's own builder unless it is there; gives the reference."""
    with closing(docker.from_env()) as client:
        try:
            client.images.get(reference)
        except ImageNotFound:
            context = _context(dockerfile, files or {})
            client.images.build(fileobj=context, custom_context=True, tag=reference, rm=True, forcerm=True)
    return reference


def remove(reference: str) -> None:
    """Remove an image, if it is there."""
    with closing(docker.from_env()) as client, suppress(ImageNotFound):
        client.images.remove(reference, force=True)


def tagged(name: str, dockerfile: str, files: Mapping[str, str] | None = None) -> str:
    """The reference of a test image that is shared between runs: its tag is the hash of its content."""
    content = repr((dockerfile, sorted((files or {}).items()), BASE_IMAGE))
    return f"{name}:{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def _context(dockerfile: str, files: Mapping[str, str]) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in {**files, "Dockerfile": dockerfile}.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content.encode()), 0o755
            archive.addfile(entry, io.BytesIO(content.encode()))
    buffer.seek(0)
    return buffer

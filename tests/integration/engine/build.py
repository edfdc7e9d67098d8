"""One BuildKit build of a few files, and one file of its result."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping

import docker


def build(
    client: docker.DockerClient, tag: str, files: Mapping[str, str], timeout: float = 120
) -> str | None:
    """Build with BuildKit, without cache; None, or what the engine says went wrong."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    answer = client.api.post(
        f"{client.api.base_url}/v{client.api.api_version}/build",
        params={"version": "2", "t": tag, "nocache": "1", "rm": "1"},
        headers={"Content-Type": "application/x-tar"},
        data=buffer.getvalue(),
        timeout=timeout,
    )
    answer.raise_for_status()
    errors = [json.loads(line).get("error") for line in answer.text.splitlines() if line.strip()]
    return next((error for error in errors if error), None)


def file_of(client: docker.DockerClient, tag: str, path: str) -> str:
    """A file of an image."""
    container = client.containers.create(tag, ["true"])
    try:
        chunks, _ = container.get_archive(path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            member = archive.extractfile(archive.getmembers()[0])
            assert member is not None
            return member.read().decode()
    finally:
        container.remove()

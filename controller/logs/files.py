"""Lines of previews in files: JSON, one line per entry, `<slug>.log` per preview in the log directory.

Writing is handed to a thread of its own through a bounded queue, so that a full disk never holds up a
reconcile.
"""

from __future__ import annotations

import json
import queue
import re
import threading
from pathlib import Path

import structlog

from controller.api.errors import BackendUnavailable
from controller.logs.protocol import LogEntry

log = structlog.get_logger()

QUEUE_LINES = 20_000
FILE_BYTES = 10 * 1024 * 1024


class FileSink:
    """Appends entries to files; a file over 10 MB is started anew, the one before it kept as `.1`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._directory.mkdir(parents=True, exist_ok=True)
        self._queue: queue.Queue[LogEntry | None] = queue.Queue(QUEUE_LINES)
        self._dropped = 0
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="log files", daemon=True)
        self._thread.start()

    def write(self, entry: LogEntry) -> None:
        """Keep one line; when the disk cannot keep up, lines are counted and dropped."""
        try:
            self._queue.put_nowait(entry)
        except queue.Full:
            self._dropped += 1

    async def check(self) -> None:
        """Raises BackendUnavailable (LogsNotKept) while lines cannot be written."""
        if self._trouble:
            raise BackendUnavailable(
                "LogsNotKept", f"Lines of previews are not kept: {self._trouble}; make room in LOG_DIR."
            )

    def close(self) -> None:
        """Write what is waiting, then stop."""
        self._queue.put(None)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while (entry := self._queue.get()) is not None:
            try:
                self._append(entry)
                self._trouble = ""
            except OSError as error:
                self._dropped += 1
                self._trouble = error.strerror or type(error).__name__
                log.error("log line not kept", preview=str(entry.preview), error=str(error))
            if self._dropped and self._queue.empty():
                log.warning("log lines dropped", count=self._dropped)
                self._dropped = 0

    def _append(self, entry: LogEntry) -> None:
        path = self._directory / f"{re.sub(r'[^a-z0-9-]', '_', entry.slug)}.log"
        line = {
            "time": entry.created_at.isoformat(),
            "preview": str(entry.preview),
            "commit": entry.commit,
            "type": entry.type,
            "service": entry.service,
            "message": entry.message,
        }
        if path.exists() and path.stat().st_size > FILE_BYTES:
            path.replace(path.with_suffix(".log.1"))
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

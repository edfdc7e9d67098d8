"""The database servers of the platform as dumps, and back; each server goes on serving while it is dumped.

PostgreSQL    pg_dumpall: every role with its password, every database
MySQL         mysqldump: every database but the server's own; no accounts
MongoDB       see `backup_mongodb`; no users

Accounts that no dump holds are made by the operator, with the passwords that the Secrets hold.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dev import backup_mongodb
from dev.commands import LAST_WORDS
from dev.docker_cli import Docker
from dev.progress import StepFailed

POSTGRES, MYSQL, MONGODB = "postgres", "mysql", "mongodb"
TEXT = "dump.sql"
OWN_ROLE = b"CREATE ROLE postgres;\n"
"""Of a dump of all PostgreSQL has, the one statement that fails on any server: its own role is there."""
OWN_SCHEMAS = ("information_schema", "mysql", "performance_schema", "sys")


@dataclass(frozen=True)
class Server:
    """One server: its kind, its container and its administrator's URL on this machine."""

    kind: str
    container: str
    url: str

    @property
    def password(self) -> str:
        """The administrator's."""
        return unquote(urlsplit(self.url).password or "")


@dataclass(frozen=True)
class Dumps:
    """Dumps servers into a directory, and loads them from it.

    Args:
        docker: the engine that runs them; the clients in their images are used.
        directory: one below it is each server's.
    """

    docker: Docker
    directory: Path

    def dump(self, server: Server) -> int:
        """Write a server's dump; gives how many databases it has.

        Raises:
            StepFailed: it could not be dumped.
        """
        place = self.directory / server.kind
        place.mkdir(parents=True)
        return self._kinds[server.kind][0](server, place)

    def load(self, server: Server) -> None:
        """Load a server's dump into one that is empty.

        Raises:
            StepFailed: it could not be loaded, or not as a whole.
        """
        self._kinds[server.kind][1](server, self.directory / server.kind)

    @property
    def _kinds(self) -> Mapping[str, tuple[Callable[[Server, Path], int], Callable[[Server, Path], None]]]:
        return {
            POSTGRES: (self._dump_postgres, self._load_postgres),
            MYSQL: (self._dump_mysql, self._load_mysql),
            MONGODB: (
                lambda server, place: backup_mongodb.dump(server.url, place),
                lambda server, place: backup_mongodb.load(server.url, place),
            ),
        }

    def _dump_postgres(self, server: Server, place: Path) -> int:
        self._inside(server, ("pg_dumpall", *_PG), out=place / TEXT)
        counted = (
            "psql",
            *_PG,
            "-XAtc",
            "SELECT count(*) FROM pg_database WHERE datname ~ '_db(_r[0-9]+)?$'",
        )
        return int(self._inside(server, counted))

    def _load_postgres(self, server: Server, place: Path) -> None:
        whole = place / "load.sql"
        with (place / TEXT).open("rb") as dumped, whole.open("wb") as file:
            file.writelines(line for line in dumped if line != OWN_ROLE)
        self._inside(server, ("psql", *_PG, "-Xqv", "ON_ERROR_STOP=1", "-d", "postgres"), stdin=whole)

    def _dump_mysql(self, server: Server, place: Path) -> int:
        listed = self._inside(
            server, ("mysql", *_MYSQL, "--batch", "--skip-column-names", "-e", "SHOW DATABASES")
        )
        databases = sorted(set(listed.split()) - set(OWN_SCHEMAS))
        (place / TEXT).touch()
        if databases:
            command = ("mysqldump", *_MYSQL, *_DUMPED, "--databases", *databases)
            self._inside(server, command, out=place / TEXT)
        return len(databases)

    def _load_mysql(self, server: Server, place: Path) -> None:
        self._inside(server, ("mysql", *_MYSQL), stdin=place / TEXT)

    def _inside(
        self, server: Server, command: Sequence[str], out: Path | None = None, stdin: Path | None = None
    ) -> str:
        """Run a client in the server's container; its output goes to a file, or is what comes back."""
        password = {POSTGRES: "PGPASSWORD", MYSQL: "MYSQL_PWD"}[server.kind]
        through = ["docker", "--host", self.docker.host, "exec", "-i", "--env", password, server.container]
        with (stdin or Path(os.devnull)).open("rb") as given, (out or Path(os.devnull)).open("wb") as written:
            ended = subprocess.run(
                [*through, *command],
                env={**os.environ, password: server.password},
                stdin=given,
                stdout=written if out else subprocess.PIPE,
                stderr=subprocess.PIPE,
                check=False,
            )
        if ended.returncode:
            said = ended.stderr.decode(errors="replace").strip().splitlines()[-LAST_WORDS:]
            raise StepFailed(
                f"{command[0]} in {server.container}: exit {ended.returncode}\n    " + "\n    ".join(said)
            )
        return (ended.stdout or b"").decode()


_COUNTED = "SELECT count(*) FROM pg_database WHERE datname ~ '_db(_r[0-9]+)?$'"
_PG = ("-h", "127.0.0.1", "-U", "postgres")
_MYSQL = ("-h", "127.0.0.1", "-u", "root")
_DUMPED = (
    "--single-transaction",
    "--routines",
    "--triggers",
    "--hex-blob",
    "--set-gtid-purged=OFF",
    "--no-tablespaces",
)

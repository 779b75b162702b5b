"""PostgreSQL and Redis of the session's own, on loopback; and both databases by URL."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.processes import HOST, Peer, children, free_port, require, wait_until


class Postgres:
    """A PostgreSQL server in a new temporary folder; without a password, and unless asked for without fsync.

    PostgreSQL refuses to run as root, so root starts it as the user `postgres`.

    Args:
        autovacuum: without it nothing is counted, or cleared away, at a moment that nobody chose.
        kept: a folder that stays when the server is closed, and is gone on with where it holds one already.
    """

    def __init__(self, *, fsync: bool = False, autovacuum: bool = True, kept: Path | None = None) -> None:
        programs = self._programs()
        self._user = "postgres" if os.geteuid() == 0 else None
        self.port = free_port()
        self._kept = kept is not None
        self._folder = kept or Path(tempfile.mkdtemp(prefix="cxr-postgres-"))
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._user is not None:
            shutil.chown(self._folder, self._user, self._user)
        data = self._folder / "data"
        initdb: list[Path | str] = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        if not (data / "PG_VERSION").exists():
            self._run([*initdb, "--no-sync"])
        server: list[Path | str] = [programs / "postgres", "-D", data, "-p", str(self.port)]
        settings = [
            f"listen_addresses={HOST}",
            "unix_socket_directories=",
            f"fsync={'on' if fsync else 'off'}",
            f"autovacuum={'on' if autovacuum else 'off'}",
            "max_connections=200",
        ]
        self._psql: list[Path | str] = [
            programs / "psql",
            "-h",
            HOST,
            "-p",
            str(self.port),
            "-U",
            "postgres",
            "-qAt",
        ]
        self._peer = Peer(
            [*server, *(part for setting in settings for part in ("-c", setting))],
            ready=self._answers,
            log=self._folder / "postgres.log",
            user=self._user,
        )
        self.start()

    @staticmethod
    def _programs() -> Path:
        versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        return require("PostgreSQL", *reversed(versions))

    @property
    def pid(self) -> int:
        """The process id of the postmaster, while it runs."""
        return self._peer.pid

    @property
    def url(self) -> str:
        """The database that every server has."""
        return f"postgresql://postgres@{HOST}:{self.port}/postgres"

    def start(self) -> None:
        """Start it (again), on the same port and data."""
        self._peer.start()

    def kill(self) -> None:
        """End the postmaster at once, and wait until the processes that it leaves behind have noticed."""
        backends = children(self._peer.pid)
        self._peer.kill()
        wait_until(
            lambda: not any(Path(f"/proc/{pid}").exists() for pid in backends),
            timeout_s=20,
            what="PostgreSQL's other processes are still there",
        )

    def create_database(self, template: str | None = None) -> str:
        """A new database, empty or a copy of the one at the URL `template`; its URL."""
        name = f"cxr_{uuid.uuid4().hex[:12]}"
        like = f" TEMPLATE {template.rpartition('/')[2]}" if template else ""
        self._run([*self._psql, "-d", "postgres", "-c", f"CREATE DATABASE {name}{like}"])
        return f"postgresql://postgres@{HOST}:{self.port}/{name}"

    def drop_database(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        name = url.rpartition("/")[2]
        self._run([*self._psql, "-d", "postgres", "-c", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"])

    def close(self) -> None:
        """End it and remove its folder, or write all down into the one that is kept."""
        if self._kept:
            os.kill(self.pid, signal.SIGINT)  # who is connected is not waited for
            self._peer.stop(timeout_s=120)
            return
        if self._peer.running:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        command = [str(part) for part in [*self._psql, "-d", "postgres", "-c", "SELECT 1"]]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def _run(self, command: list[Path | str]) -> None:
        subprocess.run(
            [str(part) for part in command],
            check=True,
            capture_output=True,
            cwd=self._folder,
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
        )


class Redis:
    """A Redis server that keeps nothing on disk: what it holds is gone when it is killed."""

    def __init__(self, folder: Path) -> None:
        program = require("Redis", Path("/usr/bin/redis-server"))
        self.port = free_port()
        self.url = f"redis://{HOST}:{self.port}/0"
        options = ["--save", "", "--appendonly", "no", "--dir", str(folder)]
        self._peer = Peer(
            [program, "--bind", HOST, "--port", str(self.port), *options],
            ready=self._answers,
            log=folder / "redis.log",
        )
        self.start()

    @property
    def pid(self) -> int:
        """The process id, while it runs."""
        return self._peer.pid

    def start(self) -> None:
        """Start it (again), empty, on the same port."""
        self._peer.start()

    def kill(self) -> None:
        """End it at once."""
        self._peer.kill()

    def _answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One PostgreSQL for the session; a test that kills it starts it again, or makes its own `Postgres()`."""
    server = Postgres(autovacuum=False)
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """A new empty PostgreSQL database."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Redis for the session, without persistence; a test that kills it makes its own `Redis(folder)`."""
    server = Redis(tmp_path_factory.mktemp("redis"))
    yield server.url
    server.kill()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new empty database: each test that asks for it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'cxr.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url

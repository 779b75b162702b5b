"""A department at work behind a console, to be looked at: half a year of readings, its models, and its day."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from db.engine import Database, connect
from db.people_records import Role
from inference.isolation import Isolated
from node.files import Folder
from node.pictures.gallery import Gallery
from node.pictures.shelf import Shelf
from tests.node.console import busy, half_year, learning
from tests.node.console.browser import Browser, serving
from tests.node.console.cases import TODAY
from tests.node.console.conftest import PASSWORD, Clock, console, with_people
from tests.node.console.day import Day
from tests.peers.processes import HOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """Where its console is, an administrator who is logged in there, and their cookie."""

    address: str
    client: Browser
    cookie: dict[str, str]


@contextmanager
def at_work(migrated_file: Path, password_hash: str, data: Path) -> Iterator[Department]:
    """The console of a department, over a copy of an empty database."""
    database = connect(f"sqlite:///{shutil.copy(migrated_file, data / 'cxr.db')}")
    fill(with_people(database, password_hash), data)
    pictures = gallery(database, data)
    served = console(database, data, Clock(TODAY), pictures=pictures, destinations=busy.DESTINATIONS)
    with serving(served) as client:
        client.log_in(Role.ADMINISTRATOR, PASSWORD)
        address = f"http://{HOST}:{client.port}"
        cookie = {"name": "cxr", "value": client.cookies["cxr"], "url": address}
        yield Department(address=address, client=client, cookie=cookie)
    pictures.stop()
    database.close()


def fill(database: Database, data: Path) -> None:
    """Half a year first, since a day's readings are added to its counts; what waits in the day comes last."""
    with database.write() as connection:
        half_year.fill(connection)
        learning.fill(connection, data)
        Day(connection=connection, data=data).fill()
        learning.shadowed(connection)
        busy.staff(connection, TODAY)


def gallery(database: Database, data: Path) -> Gallery:
    """Makes pictures of its radiographs."""
    return Gallery(
        store=Folder(data / "store"),
        database=database,
        images=Isolated(1),
        shelf=Shelf(data / "pictures", 1 << 28),
        max_pixels=50_000_000,
        now=lambda: TODAY,
    )

"""What commands share: options, and how they print."""

import getpass
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from node.errors import SettingsError
from node.settings import DATABASE_FILE, Settings, load

if TYPE_CHECKING:
    from db.engine import Database

ConfigOption = Annotated[
    Path | None, typer.Option("--config", envvar="CXR_CONFIG", help="Settings file (TOML). Without one, defaults.")
]
DataOption = Annotated[Path | None, typer.Option("--data", help="Folder of the store and the SQLite database.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
UidsOption = Annotated[bool, typer.Option("--uids", help="Print SOP Instance UIDs alone, one a line.")]
ByOption = Annotated[
    str | None, typer.Option("--by", help="Who does it, for the audit log; without it the user who is logged in.")
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest first.")]


def settings_of(config: Path | None, data: Path | None, **options: Any) -> Settings:
    """The settings in force for a command; options that were not given are None."""
    given = {name: value for name, value in ({"data": data} | options).items() if value is not None}
    return load(config, **given)


def opened(config: Path | None, data: Path | None) -> "Database":
    """The node's database, for a command that looks into it.

    Raises:
        SettingsError: there is none in the data folder.
        db.errors.SchemaOutOfDateError: it is of another version.
    """
    from db import migration  # noqa: PLC0415 - the half second of SQLAlchemy is for commands that look into it
    from node.database import open_database  # noqa: PLC0415

    settings = settings_of(config, data)
    if settings.database.url is None and not (settings.data / DATABASE_FILE).exists():
        raise SettingsError(
            f"no node has worked in {settings.data} yet; name its folder with --data, or start cxr serve"
        )
    database = open_database(settings)
    migration.require_current(database)
    return database


def who(by: str | None) -> str:
    """Who acts, for the audit log.

    Raises:
        SettingsError: nobody was named, and this process's user has no name.
    """
    try:
        name = by or getpass.getuser()
    except (KeyError, OSError) as error:
        raise SettingsError("say who you are with --by") from error
    return name.strip() or who(None)


def confirm(question: str, *, yes: bool) -> None:
    """Have a person at a terminal agree, unless a script has said `yes`; else nothing more is done.

    Raises:
        SettingsError: nobody is there to ask.
    """
    if yes:
        return
    if not at_a_terminal():
        raise SettingsError("nobody is there to confirm it; give --yes in a script")
    typer.confirm(question, abort=True, err=True)


def at_a_terminal() -> bool:
    """Whether a person can answer."""
    return sys.stdin.isatty()


def print_json(value: Any) -> None:
    """Print records, or anything made of them, as JSON."""
    typer.echo(json.dumps(value, default=_plain, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print a table for a person, or the sentence `empty` when there is nothing in it."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*("" if cell is None else _cell(cell) for cell in row))
    # Into a file or a pipe a row goes whole, for whoever searches it.
    Console(width=None if sys.stdout.isatty() else 10_000).print(table if table.row_count else empty)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return str(value).replace("[", r"\[")


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)

"""`cxr import`: images from before the node, as DICOM files, or a public set with its labels."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import pydicom
import typer

from db import migration
from db.engine import Database
from node import premises
from node.collection import nih_table
from node.collection.archive import Archive
from node.collection.nih import PublicSet
from node.commands import progress
from node.commands.history import counts_of, print_tally
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, settings_of
from node.database import open_database
from node.errors import SettingsError
from node.files import Folder
from node.history import folder
from node.history.importer import Tally
from node.learning import inspection
from node.process.clock import utc_now
from node.settings import DATABASE_FILE, MIB, Settings

import_app = typer.Typer(no_args_is_help=True, help="Bring in images from before the node, or a public set.")


@import_app.command("dicom")
def import_dicom(
    paths: Annotated[list[Path], typer.Argument(metavar="DIR|FILE...", help="Folders of DICOM files, or files.")],
    config: ConfigOption = None,
    data: DataOption = None,
    read: Annotated[
        bool, typer.Option("--read", help="Have the studies read, and their results sent, as if a modality sent them.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Store DICOM files as C-STORE does, each once; begun again after whatever stopped it, it goes on.

    The studies are kept to learn from and are not read, unless --read says so. A node may be running. The exit code
    is 1 if anything was refused.

    Example: cxr import dicom /archive/2019
    """
    _require_there(paths)
    settings = settings_of(config, data)
    began = time.monotonic()
    with open_node(settings, config, data) as (database, store), progress.meter(folder.size(paths)) as meter:
        archive = Archive(
            intake=premises.open_intake(settings, database, store, read=read, now=utc_now),
            database=database,
            max_bytes=settings.dicom.max_instance_mb * MIB,
            read=read,
            now=utc_now,
        )

        def on_group(tally: Tally, size: int) -> None:
            meter.advance(size)
            meter.show(counts_of(tally))

        tally = archive.store(folder.walk(paths), on_group)
        if not read:
            inspection.look(database, store, settings.reading.policy, lambda _: None)
    if tally.read == 0:
        raise SettingsError("there is no file in that folder")
    print_tally(tally, time.monotonic() - began, as_json=as_json)
    if tally.refused:
        raise typer.Exit(1)


@import_app.command("nih")
def import_nih(
    images: Annotated[Path, typer.Option(help="Folder of the set's PNG or JPEG pictures, and those in it.")],
    labels: Annotated[Path, typer.Option(help="Its label table, such as Data_Entry_2017.csv.")],
    boxes: Annotated[Path | None, typer.Option(help="Its table of boxes, such as BBox_List_2017.csv.")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Store the NIH ChestX-ray set, or a part of it, with its published labels; begun again, it goes on.

    Each picture of the table becomes a DICOM object of a study of its own, kept to learn from. Its labels say that
    they were published: no miner reads them, and a person's label outranks them. Rows without a picture in the folder
    are passed over. The exit code is 1 if anything was refused.

    Example: cxr import nih --images images/ --labels Data_Entry_2017.csv --boxes BBox_List_2017.csv
    """
    _require_there([images, labels, *([boxes] if boxes else [])])
    settings = settings_of(config, data)
    pictures = {path.name: path for path in folder.walk([images]) if isinstance(path, Path)}
    drawn = nih_table.read_boxes(boxes) if boxes else {}
    rows = [
        row for row in nih_table.read_labels(labels) if (row[0] if isinstance(row, tuple) else row.image) in pictures
    ]
    if not rows:
        raise SettingsError(f"no row of {labels} names a picture in {images}")
    began = time.monotonic()
    with open_node(settings, config, data) as (database, store), progress.meter(len(rows)) as meter:
        public_set = PublicSet(
            intake=premises.open_intake(settings, database, store, read=False, now=utc_now),
            database=database,
            policy=settings.reading.policy,
            max_pixels=settings.reading.max_pixels,
            pictures=pictures,
            drawn=drawn,
            now=utc_now,
        )

        def on_group(tally: Tally, number: int) -> None:
            meter.advance(number)
            meter.show(counts_of(tally))

        tally = public_set.store(rows, on_group)
    more = {"new labels": tally.labels, "boxes": tally.boxes}
    print_tally(tally, time.monotonic() - began, as_json=as_json, more=more)
    if tally.refused:
        raise typer.Exit(1)


@contextmanager
def open_node(settings: Settings, config: Path | None, data: Path | None) -> Iterator[tuple[Database, Folder]]:
    """A node's database and store; a new SQLite database gets its schema."""
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE  # to warn of a value is to quote it
    if settings.database.url is None and not (settings.data / DATABASE_FILE).exists():
        database = open_database(settings)
        migration.upgrade(database)
    else:
        database = opened(config, data)
    store = premises.open_store(settings)
    try:
        yield database, store
    finally:
        store.close()
        database.close()


def _require_there(paths: list[Path]) -> None:
    for path in paths:
        if not path.exists():
            raise SettingsError(f"{path} is not there; name what is to be brought in")

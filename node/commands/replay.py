"""`cxr replay`: for the review of an incident, what the node said of a study, said again and compared."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from db import models, studies
from db.engine import Database
from inference import bundle
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table, settings_of
from node.errors import SettingsError
from node.models import registry, service
from node.models.service import ModelInService
from node.process.implementation import SOFTWARE_VERSION
from node.settings import Settings
from node.study import replay as replays
from node.study.replay import Compared, Past


def replay(
    study: Annotated[str, typer.Argument(help="The study's Study Instance UID.")],
    model: Annotated[
        str | None, typer.Option("--model", metavar="VERSION", help="Of what this model version made, the last.")
    ] = None,
    revision: Annotated[
        int | None,
        typer.Option("--revision", min=1, help="This revision of the study; without it the last with results."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the objects as they are built now.")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build the results of a study again, by the same model of the same images, and compare them byte for byte.

    Nothing is written to the database and nothing is sent; a node may be running. The exit code is 1 if an object is
    not what was stored. Another version of the node, of its libraries or another processor may build other bytes.

    Example: cxr replay 1.2.840.113619.2.1 --revision 1 --out review
    """
    settings, database = settings_of(config, data), opened(config, data)
    past = _past(database, study, model, revision)
    served = _model(database, settings, past.model_version)
    compared = replays.compare(
        past,
        served,
        partial(_stored, settings),
        settings.reading,
    )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for each in compared:
            if each.data is not None:
                (out / f"{each.kind}-{each.sop_instance_uid}.dcm").write_bytes(each.data)
    _tell(past, compared, as_json=as_json)
    if not all(each.same for each in compared):
        raise typer.Exit(1)


def _stored(settings: Settings, name: str) -> Path:
    return settings.data / "store" / name


def _past(database: Database, study_instance_uid: str, model: str | None, revision: int | None) -> Past:
    with database.read() as connection:
        study = studies.find(connection, study_instance_uid)
        if study is None:
            raise SettingsError("no study has this UID; `cxr studies` lists them")
        past = replays.remember(connection, study, model, revision)
    if past is None:
        raise SettingsError("no result of this study is of that revision and model; `cxr results` lists what there is")
    return past


def _model(database: Database, settings: Settings, version: str) -> ModelInService:
    """The model of this version: the registered one, or the one that the settings name."""
    with database.read() as connection:
        registered = models.find(connection, version)
    if registered is not None:
        return service.load(registry.bundle_of(registered, settings.data), settings.reading.threads)
    if settings.reading.model is not None:
        found = bundle.load(settings.reading.model)
        if found.card.version == version:
            return service.load(found, settings.reading.threads)
    raise SettingsError(f"the model {version} is not registered here; enter it with `cxr models register`")


def _tell(past: Past, compared: list[Compared], *, as_json: bool) -> None:
    if as_json:
        objects = [
            {
                "kind": each.kind,
                "sop_instance_uid": each.sop_instance_uid,
                "stored_sha256": each.stored,
                "rebuilt_sha256": each.rebuilt,
                "same": each.same,
                "stored_intact": each.intact,
                "made_by": each.software_version,
            }
            for each in compared
        ]
        print_json({"revision": past.job.revision, "model": past.model_version, "objects": objects})
        return
    print_table(
        ["kind", "same", "SHA-256 stored", "rebuilt", "SOP Instance UID"],
        [
            (each.kind, "yes" if each.same else "no", _short(each.stored), _short(each.rebuilt), each.sop_instance_uid)
            for each in compared
        ],
        empty="",
    )
    different = [each for each in compared if not each.same]
    if not different:
        typer.echo(
            f"Revision {past.job.revision} by {past.model_version}: "
            f"all {len(compared)} objects are built again byte for byte."
        )
        return
    typer.echo(f"{len(different)} of {len(compared)} objects are not what was stored.")
    others = sorted({each.software_version for each in compared} - {"", SOFTWARE_VERSION})
    if others:
        typer.echo(f"They were made by version {', '.join(others)} of the node; this is {SOFTWARE_VERSION}.")
    damaged = [each for each in compared if each.stored and not each.intact]
    if damaged:
        typer.echo(f"{len(damaged)} stored objects are gone or were changed since.")


def _short(digest: str | None) -> str:
    return digest[:12] if digest else "not there"

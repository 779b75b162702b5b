"""The command `cxr`."""

import logging
import os
import sys
from typing import Annotated, NoReturn

import typer

from db.errors import DatabaseError
from inference.errors import InferenceError
from nlp.errors import NlpError
from node.commands.contents import SECTIONS
from node.commands.deferred import group_of
from node.errors import NodeError
from node.process import logs
from node.process.implementation import SOFTWARE_VERSION
from training.errors import OccupiedError, TrainingError

log = logging.getLogger("node")

app = typer.Typer(cls=group_of(SECTIONS), no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(SOFTWARE_VERSION)
        raise typer.Exit


@app.callback()
def cxr(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, as `cxr version`."),
    ] = False,
) -> None:
    """A DICOM node that reads chest radiographs. Not a medical device; not for clinical use."""


def main() -> NoReturn:
    """Run the command line: a door, past which an error is one plain sentence."""
    logs.configure("error")
    try:
        app(prog_name="cxr")
    except (NodeError, DatabaseError, InferenceError, NlpError, TrainingError) as error:
        typer.echo(f"cxr: {error}", err=True)
        sys.exit(os.EX_TEMPFAIL if isinstance(error, OccupiedError) else 1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(f"cxr: {where}{error.strerror or type(error).__name__}", err=True)
        sys.exit(1)
    except Exception as error:
        log.exception("fault")
        typer.echo(f"cxr: a fault in the node ({type(error).__name__}); please report the line above", err=True)
        sys.exit(70)
    sys.exit(0)


if __name__ == "__main__":
    main()

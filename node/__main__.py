"""The command `cxr`."""

import logging
import sys
from typing import NoReturn

import typer

from db.errors import DatabaseError
from inference.errors import InferenceError
from nlp.errors import NlpError
from node import logs
from node.commands import demo, history, instances, jobs, migrate, predict, results, serve, status, studies
from node.commands.config import config_app
from node.commands.models import models_app
from node.commands.reports import reports_app
from node.errors import NodeError
from node.implementation import SOFTWARE_VERSION

log = logging.getLogger("node")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="A DICOM node that reads chest radiographs. Not a medical device; not for clinical use.",
)
app.command()(serve.serve)
app.command()(migrate.migrate)
app.command()(predict.predict)
app.command()(status.status)
app.command("studies")(studies.list_studies)
app.command()(instances.instances)
app.command("jobs")(jobs.list_jobs)
app.command("results")(results.list_results)
app.command()(jobs.retry)
app.command()(demo.demo)
reports_app.command("import")(history.import_reports)
app.add_typer(config_app, name="config")
app.add_typer(models_app, name="models")
app.add_typer(reports_app, name="reports")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(SOFTWARE_VERSION)


def main() -> NoReturn:
    """Run the command line: a door, past which an error is one plain sentence."""
    logs.configure("error")
    try:
        app()
    except (NodeError, DatabaseError, InferenceError, NlpError) as error:
        typer.echo(f"cxr: {error}", err=True)
        sys.exit(1)
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

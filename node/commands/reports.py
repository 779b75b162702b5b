"""`cxr reports`: the radiologists' reports that have arrived, and what mining makes of reports."""

import typer

from node.commands import explain, history, mining, remine, stored_reports

reports_app = typer.Typer(no_args_is_help=True, help="The radiologists' reports, and the labels mined from reports.")
reports_app.command("import")(history.import_reports)
reports_app.command("count")(stored_reports.count)
reports_app.command("list")(stored_reports.list_reports)
reports_app.command("text")(stored_reports.text)
reports_app.command("label")(mining.label)
reports_app.command("evaluate")(mining.evaluate)
reports_app.command("explain")(explain.explain)
reports_app.command("remine")(remine.remine)

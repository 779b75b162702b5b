"""`cxr reports`: the radiologists' reports that have arrived, and what mining makes of reports."""

import typer

from node.commands.deferred import group_of

COMMANDS = {
    "import": (
        "node.commands.history:import_reports",
        "Store reports from files, each once; begun again after whatever stopped it, it goes on.",
    ),
    "count": (
        "node.commands.stored_reports:count",
        "Print how many versions of reports are stored; a message sent twice counts once.",
    ),
    "list": (
        "node.commands.stored_reports:list_reports",
        "List the current version of each report and the studies it is linked to, or why it is linked to none.",
    ),
    "text": (
        "node.commands.stored_reports:text",
        "Print the text of the current version of a report: the latest by its own times, whenever it arrived.",
    ),
    "search": (
        "node.commands.report_search:search",
        "Find reports by accession number, patient, time, finding and its state, and words of the text.",
    ),
    "label": ("node.commands.mining:label", "Mine the labels of reports in a CSV file."),
    "evaluate": (
        "node.commands.mining:evaluate",
        "Print the paper's Table 2 for these reports: precision, recall and F1, beside MetaMap's and the paper's.",
    ),
    "explain": ("node.commands.explain:explain", "Show what mining makes of a report"),
    "remine": (
        "node.commands.remine:remine",
        "Mine the current version of every report that the miner in force (lexicon, rules, model, policy) has not"
        " mined.",
    ),
}

reports_app = typer.Typer(
    cls=group_of({"Commands": COMMANDS}),
    no_args_is_help=True,
    help="The radiologists' reports, and the labels mined from reports.",
)

"""`cxr models`: the models this node knows."""

import typer

from node.commands.deferred import group_of

COMMANDS = {
    "list": ("node.commands.model_list:list_models", "List the models and which of them reads."),
    "show": (
        "node.commands.model_list:show",
        "Show a model's card: data, results with intervals, operating points, limits; and what was done with it here.",
    ),
    "register": (
        "node.commands.model_register:register",
        "Copy a bundle into the data folder, check it and enter it as a candidate; it reads nothing until it is"
        " promoted.",
    ),
    "promote": (
        "node.commands.promotion:promote",
        "Set a candidate beside the model that reads, on the same test patients, and let it read from now on.",
    ),
    "rollback": (
        "node.commands.promotion:rollback",
        "Take the last promotion back: the model that read before reads again.",
    ),
    "shadow": (
        "node.commands.shadowing:shadow",
        "Let a model read every study after the current one has; its predictions are kept, and nothing is sent.",
    ),
    "compare": (
        "node.commands.shadowing:compare",
        "Set the shadow beside the current model on the live images that both have read.",
    ),
    "verify": (
        "node.commands.model_register:verify",
        "Check the files of every registered model against their hashes and the registered cards.",
    ),
}

models_app = typer.Typer(cls=group_of({"Commands": COMMANDS}), no_args_is_help=True, help="The models this node knows.")

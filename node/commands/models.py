"""`cxr models`: the models this node knows."""

from typing import Any

import typer
from typer.core import TyperGroup

from node.commands.deferred import Deferred

COMMANDS = {
    "list": ("node.commands.model_list:list_models", "List the models and which of them reads."),
    "show": ("node.commands.model_list:show", "Show a model's card, and what was done with it here."),
    "register": (
        "node.commands.model_register:register",
        "Copy a bundle into the data folder, check it and enter it as a candidate.",
    ),
    "promote": ("node.commands.promotion:promote", "Compare a candidate with the model that reads, and let it read."),
    "rollback": ("node.commands.promotion:rollback", "Take the last promotion back."),
    "shadow": ("node.commands.shadowing:shadow", "Let a model read every study after the current one, unheard."),
    "compare": ("node.commands.shadowing:compare", "Set the shadow beside the current model on live images."),
    "verify": ("node.commands.model_register:verify", "Check the files of every registered model."),
}
"""As in `node.__main__`: to list models takes no runtime for them."""


class Commands(TyperGroup):
    """Lists the commands without loading them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (place, line) in COMMANDS.items():
            self.add_command(Deferred(name, place, line))


models_app = typer.Typer(cls=Commands, no_args_is_help=True, help="The models this node knows.")

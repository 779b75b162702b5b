"""`cxr config`: the settings in force."""

import typer

from node.commands.options import ConfigOption, DataOption, JsonOption, print_json, print_table, settings_of
from node.sections import table

config_app = typer.Typer(no_args_is_help=True, help="The settings in force.")


@config_app.command("show")
def show(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show every setting: its value, secrets masked, and what it means.

    Example: cxr config show --config node.toml
    """
    settings = settings_of(config, data)
    if as_json:
        print_json(settings.model_dump(mode="json"))
        return
    print_table(["setting", "value", "meaning"], table.rows(settings), empty="No settings.")

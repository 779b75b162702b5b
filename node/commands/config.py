"""`cxr config`: the settings in force."""

from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel

from node.commands.options import ConfigOption, DataOption, JsonOption, print_json, print_table, settings_of

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
    print_table(["setting", "value", "meaning"], _rows(settings, ""), empty="No settings.")


def _rows(section: BaseModel, prefix: str) -> list[tuple[str, Any, str]]:
    rows: list[tuple[str, Any, str]] = []
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            rows += _rows(value, f"{prefix}{name}.")
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for number, item in enumerate(value):
                rows += _rows(item, f"{prefix}{name}[{number}].")
        else:
            shown = value.absolute() if isinstance(value, Path) else value
            if isinstance(value, tuple):
                shown = ", ".join(str(item) for item in value)
            rows.append((f"{prefix}{name}", shown, " ".join((field.description or "").split())))
    return rows

"""A command whose module is loaded when it is run: loaded all together, they take seconds."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class Deferred(TyperCommand):
    """Stands for a command in a list, with its one line of help, and hands over to it when it is run.

    Help, completion and running all begin with `make_context`, and go on with the command of that context.

    Args:
        place: `module:name` of the command's function, or of the Typer that holds its subcommands.
        line: the first sentence of its help.
    """

    def __init__(self, name: str, place: str, line: str) -> None:
        super().__init__(name, help=line)
        self.place = place

    def loaded(self) -> Any:
        """The command itself, as Typer makes it."""
        module, _, attribute = self.place.partition(":")
        found = getattr(import_module(module), attribute)
        parent = typer.Typer(rich_markup_mode=None)
        if isinstance(found, typer.Typer):
            parent.add_typer(found, name=self.name)
        else:
            parent.command(self.name)(found)
        return typer.main.get_group(parent).commands[str(self.name)]

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """A context of the command itself."""
        return self.loaded().make_context(*args, **extra)


def group_of(sections: Mapping[str, Mapping[str, tuple[str, str]]], default: str | None = None) -> type[TyperGroup]:
    """A kind of group that lists the commands (name: place, line) of these sections and loads none of them.

    Without the name of one, but for `--help`, it runs `default`.
    """

    class Commands(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            for commands in sections.values():
                for name, (place, line) in commands.items():
                    self.add_command(Deferred(name, place, line))

        def format_commands(self, _ctx: Any, formatter: Any) -> None:
            """List them under the names of their sections, with the whole of their lines."""
            for section, commands in sections.items():
                with formatter.section(section):
                    formatter.write_dl([(name, line) for name, (_, line) in commands.items()])

        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            """Name the command that was meant, where none is named."""
            if default is not None and (not args or (args[0].startswith("-") and args[0] != "--help")):
                args = [default, *args]
            return super().parse_args(ctx, args)

    return Commands

"""The options that training takes, grouped."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from node.commands.grouped import grouped
from node.commands.recipe_options import Choices, Means
from node.errors import SettingsError
from training.recipe import Machine, Recipe
from training.target import Target


@dataclass(frozen=True, kw_only=True)
class Tea:
    """A group of two options."""

    kind: Annotated[str, typer.Option(help="Leaf.")] = "green"
    cups: Annotated[int, typer.Option(min=1)] = 2


def test_group_is_one_parameter_and_many_options() -> None:
    """Help shows each field in its place, and the command gets one value of them."""
    app, seen = typer.Typer(), []

    @app.command()
    @grouped
    def brew(*, place: Annotated[Path, typer.Argument()], tea: Tea, quick: bool = False) -> None:
        """Brew."""
        seen.append((place, tea, quick))

    result = CliRunner().invoke(app, ["kitchen", "--cups", "3", "--quick"])
    told = CliRunner().invoke(app, ["--help"]).output

    assert result.exit_code == 0, result.output
    assert seen == [(Path("kitchen"), Tea(cups=3), True)]
    assert told.index("--kind") < told.index("--cups") < told.index("--quick")
    assert "Brew." in told
    assert CliRunner().invoke(app, ["kitchen", "--cups", "0"]).exit_code == 2


def test_nothing_chosen_is_the_default() -> None:
    """Options have the recipe's and the machine's own defaults."""
    assert Choices().recipe() == Recipe()
    assert Means().machine() == Machine()


def test_every_part_of_a_recipe_can_be_chosen() -> None:
    """Each field has its option; two have others that make them, and the rest of the options are fields."""
    made_of = {"target": {"sensitivity", "specificity"}, "augmentation": {"augment"}}

    parts = {field.name for field in fields(Recipe)}
    options = {field.name for field in fields(Choices)}

    assert options == (parts - made_of.keys()) | set().union(*made_of.values())
    assert {field.name for field in fields(Means)} == {field.name for field in fields(Machine)}


@pytest.mark.parametrize(
    ("chosen", "recipe"),
    [
        (Choices(sensitivity=0.8), replace(Recipe(), target=Target(measure="sensitivity", value=0.8))),
        (Choices(specificity=0.95), replace(Recipe(), target=Target(measure="specificity", value=0.95))),
        (Choices(weights="some.pth"), replace(Recipe(), weights=Path("some.pth"))),
        (Choices(augment=["mirror=0"]), replace(Recipe(), augmentation=replace(Recipe().augmentation, mirror=0.0))),
    ],
    ids=["sensitivity", "specificity", "weights", "augment"],
)
def test_what_was_chosen(chosen: Choices, recipe: Recipe) -> None:
    """A target, a file of weights, an augmentation: into the recipe as they are."""
    assert chosen.recipe() == recipe


def test_two_targets_are_refused() -> None:
    """An operating point keeps one of the two."""
    with pytest.raises(SettingsError, match="give one of them"):
        Choices(sensitivity=0.8, specificity=0.8).recipe()

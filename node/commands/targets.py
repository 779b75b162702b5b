"""Options of commands that choose operating points: for a sensitivity or for a specificity."""

from typing import Annotated

import typer

from node.errors import SettingsError
from training.target import Target

SensitivityOption = Annotated[
    float | None,
    typer.Option("--sensitivity", min=0.01, max=0.999, help="Choose operating points that keep this sensitivity."),
]
SpecificityOption = Annotated[
    float | None,
    typer.Option("--specificity", min=0.01, max=0.999, help="Choose operating points that keep this specificity."),
]


def target_of(sensitivity: float | None, specificity: float | None) -> Target | None:
    """The one that was asked for, if any.

    Raises:
        SettingsError: both were.
    """
    if sensitivity is not None and specificity is not None:
        raise SettingsError("operating points are chosen for a --sensitivity or for a --specificity; give one of them")
    if sensitivity is not None:
        return Target(measure="sensitivity", value=sensitivity)
    return None if specificity is None else Target(measure="specificity", value=specificity)

"""One training for each pooling, or each loss, alike in everything else (Wang et al. 2017, Figure 6 and section 3.1.3).

Every point is a whole training in a folder of its own, so what ended is not trained again and what was stopped goes on.
All share the decoded images, and what the backbone's lower part saw of them. Numbers are of the test patients, as in
the paper; who chooses a model by them has no test set any more, so the validation's number stands beside them.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from inference import bundle
from inference.bundle import Bundle
from training.errors import DivergedError, TrainingError
from training.naming import Name
from training.occupied import occupied
from training.outcome import Outcome, frozen, outcomes
from training.recipe import LossName, Machine, Recipe
from training.snapshot import Snapshot, read
from training.train import MODEL, identity, train

Over = Literal["pooling", "loss"]
Say = Callable[[str], None]
"""Tells a person what is being done, and how long it takes."""
SHARPNESS = (0.1, 0.5, 1.0, 5.0, 8.0, 10.0, 12.0)
"""r of Log-Sum-Exp in the paper's Figure 6."""
LOSSES: Mapping[LossName, str] = {"hinge": "hinge", "euclidean": "Euclidean", "cel": "CEL", "w-cel": "W-CEL"}
REFERENCE: Mapping[Over, str] = {"pooling": "LSE 10", "loss": "W-CEL"}
"""The paper's choices, with which the others are compared."""
ABOUT = "sweep.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One training of a sweep: what it is called, its folder, and the recipe."""

    label: str
    folder: str
    recipe: Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """All points, on the same test patients; `positives` are the images with each finding."""

    over: Over
    snapshot: str
    images: int
    patients: int
    findings: tuple[str, ...]
    positives: tuple[int, ...]
    reference: str
    outcomes: tuple[Outcome, ...]


def points(over: Over, recipe: Recipe) -> tuple[Point, ...]:
    """What is trained, in the order in which it is shown: LSE stands between average and maximum."""
    if over == "loss":
        return tuple(
            Point(label=label, folder=name, recipe=replace(recipe, loss=name)) for name, label in LOSSES.items()
        )
    sharp = tuple(
        Point(label=f"LSE {r:g}", folder=f"lse-{r:g}", recipe=replace(recipe, pooling="lse", r=r)) for r in SHARPNESS
    )
    average = Point(label="average", folder="average", recipe=replace(recipe, pooling="average"))
    return average, *sharp, Point(label="max", folder="max", recipe=replace(recipe, pooling="max"))


def sweep(folder: Path, out: Path, over: Over, recipe: Recipe, machine: Machine, *, say: Say) -> Sweep:
    """Train every point that is not trained yet, and measure all of them on the same test patients.

    Args:
        folder: of the snapshot.
        out: a folder for each point comes into it.
        over: what differs.
        recipe, machine: what does not.
        say: tells a person.

    Raises:
        TrainingError: as `train` does; `out` holds another sweep, or another process works there; or several processes
            were started at once.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise TrainingError("a sweep trains one point after the other, in one process; leave torchrun away")
    if recipe.tune == "none":
        raise TrainingError("a sweep is over trainings with a pooling and a loss; give --tune upper or --tune all")
    snapshot, beside = read(folder), machine.cache or folder.with_name(f"{folder.name}.cache")
    with occupied(out):
        _begin(out, over, snapshot, recipe)
        found = _trained(out, points(over, recipe), lambda point: _train(folder, out, snapshot, point, machine), say)
        test = frozen(snapshot, beside, recipe.size)
        return Sweep(
            over=over,
            snapshot=snapshot.sha256,
            images=len(test.items),
            patients=len({item.patient for item in test.items}),
            findings=snapshot.findings,
            positives=tuple(int(count) for count in (test.labels == 1).sum(axis=0)),
            reference=REFERENCE[over],
            outcomes=outcomes(found, test, REFERENCE[over]),
        )


def _begin(out: Path, over: Over, snapshot: Snapshot, recipe: Recipe) -> None:
    """Write down what the sweep is of, or see that it is the one that was begun."""
    swept = ("pooling", "r") if over == "pooling" else ("loss",)
    asked = {"over": over} | {key: value for key, value in identity(snapshot, recipe).items() if key not in swept}
    path = out / ABOUT
    if not path.exists():
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asked, indent=1))
        part.replace(path)
    try:
        there: dict[str, Any] = dict(json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise TrainingError(f"{path} is not what was written; name another --out") from error
    other = sorted(key for key in asked | there if asked.get(key) != there.get(key))
    if other:
        raise TrainingError(f"the sweep in {out} was begun with another {', '.join(other)}; name another --out")


def _trained(
    out: Path, all_points: tuple[Point, ...], make: Callable[[Point], Bundle | None], say: Say
) -> dict[str, Bundle | None]:
    """The bundle of each point, by its label; None where the loss became no number."""
    there = {point.label for point in all_points if (out / point.folder / MODEL).exists()}
    found: dict[str, Bundle | None] = {}
    spent: list[float] = []
    for number, point in enumerate(all_points, start=1):
        if point.label in there:
            found[point.label] = bundle.load(out / point.folder / MODEL)
            continue
        waiting = len(all_points) - len(there) - len(spent)
        left = f"; about {waiting * spent[-1] / 60:.0f} min left" if spent else ""
        say(f"{number} of {len(all_points)}: {point.label}{left}")
        started = time.monotonic()
        try:
            found[point.label] = make(point)
        except DivergedError as error:
            say(f"{point.label} is left out: {error}")
            found[point.label] = None
        spent.append(time.monotonic() - started)
    return found


def _train(folder: Path, out: Path, snapshot: Snapshot, point: Point, machine: Machine) -> Bundle | None:
    version = f"{snapshot.sha256[:8]}-{point.recipe.backbone}-{point.recipe.seed}-{point.folder}"
    return train(folder, out / point.folder, point.recipe, machine, name=Name(version=version), resume=True)

"""`cxr rehearse`: the whole cycle on a synthetic department, on this machine alone."""

import os
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from node.errors import SettingsError

TRAINING = "--size 192 --copies 1 --head-epochs 4 --epochs 0"
"""Transition and prediction alone, which two cores learn in two minutes from 500 images."""
NEEDED = {"torch": "training", "spacy": "reports", "matplotlib": "plots"}
"""What the commands load, and the extra that brings it."""


def rehearse(
    studies: Annotated[int, typer.Option(min=1, help="How many the department has sent when learning begins.")] = 500,
    out: Annotated[Path, typer.Option(help="A new folder for the node's data and what comes of it.")] = Path(
        "rehearsal"
    ),
    seed: Annotated[int, typer.Option(min=0, max=99, help="Another seed is another department.")] = 0,
    pixels: Annotated[int, typer.Option(min=64, max=4096, help="Height and width of the radiographs.")] = 512,
    without: Annotated[
        list[str] | None, typer.Option(help="A finding to leave out of what is learnt, if --studies are few; repeated.")
    ] = None,
    training: Annotated[str, typer.Option(help="Options for cxr train.")] = TRAINING,
    yes: Annotated[bool, typer.Option("--yes", help="Promote without asking; for scripts.")] = False,
) -> None:
    """Rehearse the whole cycle: a synthetic department sends images and reports, a model learns of them and reads.

    A node is started on free ports of this machine; every step after that is a command that is shown before it is run,
    and that you can run again. Nothing in it is of a patient. It needs the extras reports, training and plots.

    Example: cxr rehearse --studies 500 --out rehearsal
    """
    _require(out)
    from node.rehearsal import cycle  # noqa: PLC0415 - a node's parts, and curves that cost half a second

    out.mkdir(parents=True, exist_ok=True)
    choices = cycle.Choices(
        out=out,
        studies=studies,
        seed=seed,
        pixels=pixels,
        selection=tuple(word for name in without or () for word in ("--without", name)),
        training=tuple(shlex.split(training)),
        promotion=("--yes",) if yes or not at_a_terminal() else (),
    )
    began = time.monotonic()
    _say(f"$ export CXR_DATA={shlex.quote(str(choices.data))}")
    cycle.rehearse(choices, acting(choices.data), _say, _watched)
    _say(
        f"\nDone in {(time.monotonic() - began) / 60:.1f} min. {out} has the node's data, the training, the evaluation "
        "and what the PACS got. Synthetic radiographs say nothing of how well a model reads real ones."
    )


def at_a_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()


def _require(out: Path) -> None:
    missing = [extra for module, extra in NEEDED.items() if find_spec(module) is None]
    if missing:
        raise SettingsError(f"the rehearsal needs what is not installed: pip install 'cxr-node[{','.join(missing)}]'")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingsError(f"{out} is not empty; name a new folder with --out, or remove it")


def acting(data: Path) -> Callable[[Sequence[str]], None]:
    """Commands in processes of their own, in an environment without an installed node's settings."""
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("CXR_")}
    environment["CXR_DATA"] = str(data)

    def act(arguments: Sequence[str]) -> None:
        from node.rehearsal.peers import RehearsalError  # noqa: PLC0415 - with the others, above

        _say(f"\n$ cxr {shlex.join(arguments)}")
        began, spent = time.monotonic(), _of_processor_s()
        ended = subprocess.run([sys.executable, "-m", "node", *arguments], env=environment, check=False)  # noqa: S603 - ours
        if ended.returncode:
            raise RehearsalError(f"`cxr {arguments[0]}` ended with {ended.returncode}; what it says is above")
        _say(f"  ({time.monotonic() - began:.0f} s, {_of_processor_s() - spent:.0f} s of processor time)")

    return act


def _of_processor_s() -> float:
    """What ended commands have taken; on a busy machine the clock says less."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _watched() -> Iterator[Callable[[str], None]]:
    console = Console(stderr=True)
    with console.status("Drawing") as status:
        yield status.update if console.is_terminal else lambda _: None


def _say(text: str) -> None:
    typer.echo(text)
    sys.stdout.flush()

"""`cxr predict`: read image files without a node."""

import csv
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, Annotated, Any

import PIL.Image
import typer
from pydicom import Dataset

from inference import archive, boxes, bundle
from inference.archive import Outcome
from inference.classifier import Classifier
from inference.policy import Policy
from node.commands.options import JsonOption, print_json, print_table
from node.commands.progress import meter
from node.errors import SettingsError
from node.objects import overlay
from node.objects.reading import Reading

SCORE_COLUMNS = ("file", "finding", "probability", "operating_point", "present", "reason", "detail")
BOX_COLUMNS = ("file", "finding", "x", "y", "width", "height", "threshold", "probability")
TABLE_LIMIT = 5
"""Up to so many files, findings are shown as a table."""
FEW = 16
"""So many files are read before processes to decode them would have started."""
POLICY = Policy(accept_unknown_view=True, accept_unknown_body_part=True)
"""Who names a file says what it is where its header is silent; where it speaks, it decides."""


def predict(
    paths: Annotated[list[Path], typer.Argument(help="DICOM, PNG or JPEG files, or folders of them.")],
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write one row a file and finding.")] = None,
    boxes_file: Annotated[Path | None, typer.Option("--boxes", help="Write one row a box.")] = None,
    ungated: Annotated[
        bool, typer.Option(help="Boxes of every finding, as the paper evaluates them, not of those present.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for overlay pictures (PNG).")] = None,
    model: Annotated[Path, typer.Option(help="Model bundle.")] = bundle.STARTER,
    threads: Annotated[
        int, typer.Option(min=0, help="Processor threads for the model: for one image, or one each; 0 is one a core.")
    ] = 0,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Processes that decode ahead of the model; one a core, none for a few files."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read image files: probabilities, operating points and boxes of each finding.

    PNG and JPEG are taken as already windowed. A file that cannot be read gets a row with the reason, and the
    exit code is 1 at the end. Boxes are in pixels of the image, from its top left corner. Rows are in the order of the
    files. Many files are decoded by processes, so that one that crashes a decoder costs itself.

    Example: cxr predict images/ --csv scores.csv --boxes boxes.csv --out overlays/
    """
    files = dict(_files(paths))
    if not files:
        raise SettingsError("no file to read there; name DICOM, PNG or JPEG files, or folders of them")
    cores = os.cpu_count() or 1
    processes = workers if workers is not None else 0 if len(files) < FEW else cores
    classifier = Classifier(bundle.load(model), threads=1 if processes else threads)
    reading = archive.read(
        files, classifier, POLICY, processes=processes, side_by_side=threads or cores, show=out is not None
    )
    unread, shown = 0, []
    with ExitStack() as stack:
        scores = _writer(stack, csv_file, SCORE_COLUMNS)
        found = _writer(stack, boxes_file, BOX_COLUMNS)
        outcomes = stack.enter_context(closing(reading))
        progress = stack.enter_context(meter(len(files)))
        for outcome in outcomes:
            unread += outcome.error is not None
            scores.writerows(score_rows(outcome))
            found.writerows(box_rows(outcome, ungated=ungated))
            if out is not None:
                _draw(outcome, out / f"{files[outcome.path]}.png")
            if as_json or len(files) <= TABLE_LIMIT:
                shown += [dict(zip(SCORE_COLUMNS, row, strict=True)) for row in score_rows(outcome)]
            progress.advance(1)
            progress.show("Reading")
    if as_json:
        print_json(shown)
    elif shown:
        print_table(SCORE_COLUMNS, [row.values() for row in shown], empty="")  # type: ignore[misc]
    else:
        typer.echo(f"{len(files) - unread} files read, {unread} not.")
    if unread:
        raise typer.Exit(1)


def _files(paths: list[Path]) -> Iterator[tuple[Path, Path]]:
    """Each file and where its picture goes, which mirrors the folders it lies in."""
    for path in paths:
        if path.is_dir():
            yield from ((file, file.relative_to(path)) for file in sorted(path.rglob("*")) if file.is_file())
        else:
            yield path, Path(path.name)


def score_rows(outcome: Outcome) -> list[tuple[Any, ...]]:
    """A row a finding, or one with the reason."""
    if outcome.error is not None:
        tag = f" {outcome.error.tag}" if outcome.error.tag else ""
        return [(str(outcome.path), "", "", "", "", str(outcome.error.reason), outcome.error.detail + tag)]
    scores = outcome.prediction.scores if outcome.prediction else ()
    return [
        (
            str(outcome.path),
            score.finding,
            f"{score.probability:.6f}",
            f"{score.operating_point:.6f}",
            int(score.present),
            "",
            "",
        )
        for score in scores
    ]


def box_rows(outcome: Outcome, *, ungated: bool) -> list[tuple[Any, ...]]:
    """A row a box."""
    if outcome.prediction is None:
        return []
    prediction = outcome.prediction
    return [
        (
            str(outcome.path),
            score.finding,
            box.x,
            box.y,
            box.width,
            box.height,
            box.threshold,
            f"{score.probability:.6f}",
        )
        for place, score in enumerate(prediction.scores)
        for box in (boxes.paper(prediction.cam[place], prediction.rows, prediction.columns) if ungated else score.boxes)
    ]


def _draw(outcome: Outcome, picture: Path) -> None:
    if outcome.display is None or outcome.prediction is None:
        return
    reading = Reading(header=Dataset(), display=outcome.display, prediction=outcome.prediction)
    picture.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(overlay.render(reading)).save(picture)


class _NoWriter:
    def writerows(self, rows: list[tuple[Any, ...]]) -> None:
        """Nobody asked for the file."""


def _writer(stack: ExitStack, path: Path | None, columns: tuple[str, ...]) -> Any:
    if path is None:
        return _NoWriter()
    file: IO[str] = stack.enter_context(path.open("w", newline="", encoding="utf-8"))
    writer = csv.writer(file)
    writer.writerow(columns)
    return writer

"""A public set becomes images of the site, with published labels and boxes, and a snapshot of it."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from db import boxes, frontals, labels, studies
from db.engine import Database, connect
from db.records import StudyState
from db.vocabulary import EIGHT
from inference import image_file
from inference.policy import Policy
from node.__main__ import app
from node.errors import SettingsError
from node.learning.snapshots import FOLDER
from training import snapshot

EIGHT_NAMES = tuple(finding.name for finding in EIGHT)
OFFICIAL = [
    "Image Index",
    "Finding Labels",
    "Follow-up #",
    "Patient ID",
    "Patient Age",
    "Patient Gender",
    "View Position",
]
ROWS = [
    ["00000001_000.png", "Cardiomegaly|Effusion", "0", "1", "057Y", "M", "PA"],
    ["00000001_001.png", "No Finding", "1", "1", "058Y", "M", "AP"],
    ["00000002_000.png", "Mass", "0", "2", "81", "F", "PA"],
    ["00000003_000.png", "Hernia|Infiltration", "0", "3", "", "", "AP"],
    ["00000004_000.png", "No Finding", "0", "4", "40", "M", "PA"],
    ["00000005_000.png", "Effusion", "0", "5", "40", "M", "PA"],
]


@pytest.fixture
def public_set(tmp_path: Path) -> Path:
    """Six pictures, and the tables as the NIH publishes them."""
    folder = tmp_path / "set"
    (folder / "images_001" / "images").mkdir(parents=True)
    chance = np.random.default_rng(1)
    for row in ROWS:
        grey = chance.integers(0, 256, (64, 48), dtype=np.uint8)
        Image.fromarray(grey).save(folder / "images_001" / "images" / row[0])
    write(folder / "labels.csv", [OFFICIAL, *ROWS, ["00000009_000.png", "Mass", "0", "9", "1", "M", "PA"]])
    write(
        folder / "boxes.csv",
        [
            ["Image Index", "Finding Label", "Bbox [x", "y", "w", "h]", "", "", ""],
            ["00000003_000.png", "Infiltrate", "256", "512", "128", "102.4", "", "", ""],
        ],
    )
    return folder


def write(path: Path, rows: list[list[str]]) -> None:
    """A CSV file."""
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)


def command(*arguments: object, code: int = 0) -> dict[str, Any]:
    """What a command says in JSON."""
    outcome = CliRunner().invoke(app, [*map(str, arguments), "--json"], catch_exceptions=False)
    assert outcome.exit_code == code, outcome.output
    found: dict[str, Any] = json.loads(outcome.stdout)
    return found


def imported(folder: Path, data: Path, code: int = 0) -> dict[str, Any]:
    """What `cxr import nih` says."""
    tables = ("--labels", folder / "labels.csv", "--boxes", folder / "boxes.csv")
    return command("import", "nih", "--images", folder, *tables, "--data", data, code=code)


def database_of(data: Path) -> Database:
    """The node's database."""
    return connect(f"sqlite:///{data / 'cxr.db'}")


def test_pictures_become_images_of_the_site(public_set: Path, tmp_path: Path) -> None:
    """Each is stored losslessly as an object that the node would read, with its labels in force and its boxes."""
    said = imported(public_set, tmp_path / "data")

    assert (said["read"], said["stored"], said["refused"], said["new labels"], said["boxes"]) == (6, 6, 0, 6, 1)
    with database_of(tmp_path / "data").read() as connection:
        assert studies.counts(connection) == {StudyState.KEPT: 6}
        stored = {each.accession_number: each for each in labels.of_studies(connection)}
        images = list(frontals.images(connection))
        drawn = boxes.every(connection)
    assert dict(stored["00000001_000"].states) == {"Cardiomegaly": "positive", "Effusion": "positive"}
    assert stored["00000001_001"].normal
    views = {(image.patient_id, image.view) for image in images}
    assert views == {(f"NIH-{row[3]}", row[6]) for row in ROWS}
    assert {image.source for image in images} == {"NIH"}
    (box,) = next(iter(drawn.values()))
    assert (box.finding, box.x, box.y, box.width, box.height) == ("Infiltration", 0.25, 0.5, 0.125, 0.1)
    for image in images:
        read = image_file.read(tmp_path / "data" / "store" / image.path, Policy())
        assert read.header is not None
        name = f"{read.header.AccessionNumber}.png"
        with Image.open(public_set / "images_001" / "images" / name) as picture:
            assert np.array_equal(read.stored, np.asarray(picture))


def test_imported_again_nothing_is_doubled(public_set: Path, tmp_path: Path) -> None:
    """A second import, as after a kill, stores nothing; a label that was revised is stored as a new version."""
    imported(public_set, tmp_path / "data")
    write(public_set / "labels.csv", [OFFICIAL, [*ROWS[0][:1], "Mass", *ROWS[0][2:]], *ROWS[1:]])

    again = imported(public_set, tmp_path / "data")

    assert (again["stored"], again["already_there"], again["new labels"]) == (0, 6, 1)
    with database_of(tmp_path / "data").read() as connection:
        (revised,) = [each for each in labels.of_studies(connection) if each.accession_number == "00000001_000"]
        assert dict(revised.states) == {"Mass": "positive"}
        assert len(boxes.every(connection)) == 1


def test_a_broken_picture_and_a_strange_label_are_refused(public_set: Path, tmp_path: Path) -> None:
    """Each with its reason; the others are stored."""
    (public_set / "images_001" / "images" / ROWS[0][0]).write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    strange = [ROWS[1][0], "Pnuemonia", *ROWS[1][2:]]
    write(public_set / "labels.csv", [OFFICIAL, ROWS[0], strange, *ROWS[2:]])

    said = imported(public_set, tmp_path / "data", code=1)

    assert (said["stored"], said["refused"]) == (4, 2)
    reasons = sorted(each["reason"] for each in said["reasons"])
    assert reasons[0].startswith("The image cannot be decoded")
    assert reasons[1] == "its labels name 'Pnuemonia', which the node does not know"


def test_columns_of_marks_stand_for_the_label_field(public_set: Path, tmp_path: Path) -> None:
    """A row without a label field is read from its columns by finding; of the other findings nothing is known."""
    names = ["image", "patient_id", "view", "finding_labels_v2020", "sources", "Mass", "Effusion", "NoFinding"]
    write(
        public_set / "labels.csv",
        [
            names,
            [ROWS[0][0], "1", "PA", "", "a/b|c/d", "1", "0", "0"],
            [ROWS[1][0], "1", "AP", "", "a/b", "0", "0", "0"],
            [ROWS[2][0], "2", "AP", "", "a/b", "0", "0", "1"],
        ],
    )

    imported(public_set, tmp_path / "data")

    with database_of(tmp_path / "data").read() as connection:
        found = {each.accession_number: each for each in labels.of_studies(connection)}
        assert [image.source for image in frontals.images(connection)] == ["a/b"] * 3
    assert found["00000001_000"].states["Mass"] == "positive"
    assert found["00000001_000"].states["Hernia"] == "uncertain"
    assert "Effusion" not in found["00000001_000"].states
    assert not found["00000001_001"].normal
    assert found["00000002_000"].normal


def test_tables_that_are_none(public_set: Path, tmp_path: Path) -> None:
    """A table without the columns, or without a picture, is a sentence."""
    options = ["--images", str(public_set), "--data", str(tmp_path / "data")]
    boxes_as_labels = ["import", "nih", *options, "--labels", str(public_set / "boxes.csv")]
    outcome = CliRunner().invoke(app, boxes_as_labels)
    assert isinstance(outcome.exception, SettingsError)
    assert "has no column 'Finding Labels'" in str(outcome.exception)
    write(public_set / "other.csv", [OFFICIAL, ["x.png", *ROWS[0][1:]]])
    outcome = CliRunner().invoke(app, ["import", "nih", *options, "--labels", str(public_set / "other.csv")])
    assert "names a picture in" in str(outcome.exception)


def test_from_a_public_set_to_a_snapshot(public_set: Path, tmp_path: Path) -> None:
    """`cxr snapshot create`, list and show agree; the same content is one snapshot."""
    data = tmp_path / "data"
    imported(public_set, data)

    made = command("snapshot", "create", "--data", data)
    again = command("snapshot", "create", "--data", data)
    fourteen = command("snapshot", "create", "--data", data, "--findings", "14")
    shown = command("snapshot", "show", made["sha256"][:8], "--data", data)
    listed = CliRunner().invoke(app, ["snapshot", "list", "--data", str(data), "--json"], catch_exceptions=False)

    assert made["sha256"] == again["sha256"] != fourteen["sha256"]
    assert made["created"] == again["created"]
    assert (made["images"], made["patients"], made["boxes"]) == (6, 5, 1)
    assert any("Pneumonia" in sentence for sentence in made["warnings"])
    assert shown["splits"] == made["splits"]
    assert {each["sha256"] for each in json.loads(listed.stdout)} == {made["sha256"], fourteen["sha256"]}
    found = snapshot.read(data / FOLDER / made["sha256"][: snapshot.SHORT])
    assert found.sha256 == made["sha256"]
    assert all((found.images / item.image).is_file() for item in found.items)
    assert "published" in {item.provenance for item in found.items}


def test_printed_for_a_person(public_set: Path, tmp_path: Path) -> None:
    """A table of images, patients and findings by part, and what there is to know of it."""
    imported(public_set, tmp_path / "data")

    outcome = CliRunner().invoke(app, ["snapshot", "create", "--data", str(tmp_path / "data")], catch_exceptions=False)

    assert "validation" in outcome.stdout
    assert "policy: coded" in outcome.stdout
    assert "a model can neither learn nor measure that" in outcome.stderr


def test_where_it_lies_and_what_is_next(public_set: Path, tmp_path: Path) -> None:
    """A person is told the folder that `cxr train` wants, and what too few images have."""
    data = tmp_path / "data"
    imported(public_set, data)

    outcome = CliRunner().invoke(app, ["snapshot", "create", "--data", str(data)], catch_exceptions=False)

    (folder,) = (data / FOLDER).iterdir()
    assert outcome.stdout.endswith(f"Next: cxr train {folder}\n")
    assert "cxr train needs every finding in every part: wait for more patients." in outcome.stderr
    assert command("snapshot", "create", "--data", data)["folder"] == str(folder)


def test_without_a_finding(public_set: Path, tmp_path: Path) -> None:
    """What too few images have is left out by name; the splits stay."""
    data = tmp_path / "data"
    imported(public_set, data)
    whole = command("snapshot", "create", "--data", data)

    fewer = command("snapshot", "create", "--data", data, "--without", "Pneumonia", "--without", "Mass")

    assert fewer["findings"] == [name for name in whole["findings"] if name not in ("Pneumonia", "Mass")]
    assert [part["patients"] for part in fewer["splits"].values()] == [
        part["patients"] for part in whole["splits"].values()
    ]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [(["Hernia"], "Hernia is not among the findings"), (list(EIGHT_NAMES), "no finding is left")],
    ids=["unknown", "all"],
)
def test_without_what_cannot_be_left_out(public_set: Path, tmp_path: Path, names: list[str], sentence: str) -> None:
    """A finding that is not there, or all of them, cannot be left out."""
    imported(public_set, tmp_path / "data")
    options = [word for name in names for word in ("--without", name)]

    outcome = CliRunner().invoke(app, ["snapshot", "create", "--data", str(tmp_path / "data"), *options])

    assert sentence in str(outcome.exception)


def test_a_hash_that_is_none(public_set: Path, tmp_path: Path) -> None:
    """What cannot be found says where to look."""
    imported(public_set, tmp_path / "data")

    outcome = CliRunner().invoke(app, ["snapshot", "show", "ffff", "--data", str(tmp_path / "data")])

    assert "cxr snapshot list" in str(outcome.exception)


def test_the_real_set(shared_data: Path, tmp_path: Path) -> None:
    """Twenty real radiographs of the NIH, those with boxes first, become a snapshot."""
    source = shared_data / "nih_cxr"
    with (source / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    chosen = sorted(rows, key=lambda row: -int(row["n_nih_boxes"] or 0))[:20]
    with (tmp_path / "labels.csv").open("w", newline="") as stream:
        table = csv.DictWriter(stream, rows[0].keys())
        table.writeheader()
        table.writerows(chosen)

    options = (
        "--labels",
        tmp_path / "labels.csv",
        "--boxes",
        source / "bboxes_1024px.csv",
        "--data",
        tmp_path / "data",
    )
    said = command("import", "nih", "--images", source / "images_512", *options)

    assert (said["stored"], said["refused"]) == (20, 0)
    assert said["boxes"] >= 20
    assert command("snapshot", "create", "--data", tmp_path / "data")["images"] == 20

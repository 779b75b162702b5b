"""The tables of the NIH ChestX-ray sets: what was published of each image, and radiologists' boxes.

Read by the names of their columns, as the NIH published them (Data_Entry_2017.csv and its revision of 2020,
BBox_List_2017.csv) or as tables made from them name them. Nothing depends on the order of columns.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from db.learning_records import DrawnBox
from db.vocabulary import FINDINGS
from node.errors import SettingsError

NO_FINDING = "No Finding"
OTHER = "None of these"
"""Stands for the label field of a row that denies all it has columns for, and says neither that nothing is there."""
SIDE = 1024
"""Boxes are in pixels of the published images, 1024 x 1024."""
OPACITY = "LungOpacity(RSNA)"
"""The RSNA challenge's boxes, opacities suspicious for pneumonia; compared with those for Pneumonia."""
_SAME = {"Infiltrate": "Infiltration", "Pleural Thickening": "Pleural_Thickening", OPACITY: "Pneumonia"}
_NAMES: Mapping[str, Sequence[str]] = {
    "image": ("Image Index", "image"),
    "labels": ("Finding Labels", "finding_labels", "finding_labels_v2020"),
    "patient_id": ("Patient ID", "patient_id"),
    "view": ("View Position", "view"),
    "follow_up": ("Follow-up #", "followup"),
    "age": ("Patient Age", "age"),
    "sex": ("Patient Gender", "Patient Sex", "sex"),
    "sources": ("sources",),
    "finding": ("Finding Label", "label"),
    "x": ("Bbox [x", "x"),
    "y": ("y",),
    "width": ("w",),
    "height": ("h]", "h"),
    "origin": ("source",),
    NO_FINDING: ("NoFinding", NO_FINDING),
    **{name: (name,) for name in FINDINGS},
}


class RowError(ValueError):
    """A row does not say what it must; the text says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A row of the label table.

    `labels` is its field as it stands, `findings` what that says, in its order; `normal` that it says No Finding. Of
    `unknown` findings the row says nothing at all: it has columns for the others only.
    """

    image: str
    labels: str
    findings: tuple[str, ...]
    unknown: tuple[str, ...]
    normal: bool
    patient_id: str
    view: str
    age: str
    sex: str
    collection: str


def read_labels(table: Path) -> Iterator[Published | tuple[str, RowError]]:
    """Each row, or its image's name and what is wrong with it.

    Raises:
        SettingsError: it is not such a table.
    """
    for row in _rows(table, ("image", "labels", "patient_id", "view")):
        try:
            yield _published(row)
        except RowError as error:
            yield row["image"], error


def read_boxes(table: Path) -> dict[str, list[DrawnBox]]:
    """Radiologists' boxes by image.

    Raises:
        SettingsError: it is not such a table, or a row of it has no box.
    """
    found: dict[str, list[DrawnBox]] = {}
    for row in _rows(table, ("image", "finding", "x", "y", "width", "height")):
        try:
            sides = {name: float(row[name]) / SIDE for name in ("x", "y", "width", "height")}
        except ValueError as error:
            raise SettingsError(f"{table}: a box of {row['image']} has no numbers") from error
        name = _SAME.get(row["finding"], row["finding"])
        if name not in FINDINGS:
            raise SettingsError(f"{table}: {row['finding']!r} is not a finding that the node knows")
        origin = row.get("origin") or ("RSNA" if row["finding"] == OPACITY else "NIH")
        found.setdefault(row["image"], []).append(DrawnBox(finding=name, origin=origin, **sides))
    return found


def _published(row: Mapping[str, str]) -> Published:
    said, unknown = (row["labels"], ()) if row["labels"] else _marked(row)
    findings = tuple(_SAME.get(name.strip(), name.strip()) for name in said.split("|"))
    if findings in ((NO_FINDING,), (OTHER,)):
        findings = ()
    strange = [name for name in findings if name not in FINDINGS]
    if strange:
        raise RowError(f"its labels name {strange[0]!r}, which the node does not know" if said else "it has no labels")
    if not row["patient_id"]:
        raise RowError("it names no patient")
    return Published(
        image=row["image"],
        labels=said,
        findings=tuple(dict.fromkeys(findings)),
        unknown=unknown,
        normal=said == NO_FINDING,
        patient_id=row["patient_id"],
        view=row["view"].upper(),
        age=row.get("age", ""),
        sex=row.get("sex", ""),
        collection=row.get("sources", "").split("|")[0],
    )


def _marked(row: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """What stands for the label field, from columns of 0 and 1 by finding; and the findings there is no column of."""
    marks = {name: row[name] in ("1", "1.0") for name in (*FINDINGS, NO_FINDING) if row.get(name)}
    if marks.get(NO_FINDING):
        return NO_FINDING, ()
    unknown = tuple(name for name in FINDINGS if name not in marks)
    present = [name for name, marked in marks.items() if marked]
    return "|".join(present) or (OTHER if marks else ""), unknown


def _rows(table: Path, needed: Sequence[str]) -> Iterator[dict[str, str]]:
    """Rows by our names of the columns that are there; those without an image's name are left out."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, restkey="", restval="")
            columns = {
                name: found
                for name, candidates in _NAMES.items()
                if (found := next((each for each in candidates if each in (reader.fieldnames or ())), None))
            }
            missing = [_NAMES[name][0] for name in needed if name not in columns]
            if missing:
                raise SettingsError(f"{table} has no column {missing[0]!r}; give the table as the NIH published it")
            for row in reader:
                plain = {name: str(row[column] or "").strip() for name, column in columns.items()}
                if plain["image"]:
                    yield plain
    except UnicodeDecodeError as error:
        raise SettingsError(f"{table} is not a text file in UTF-8; give a CSV") from error
    except csv.Error as error:
        raise SettingsError(f"{table} is not a CSV table: {error}") from error

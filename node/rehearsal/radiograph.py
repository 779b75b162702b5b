"""A synthetic study's one radiograph, as its modality sends it."""

from functools import partial

import numpy as np
from pydicom.dataset import FileDataset
from pydicom.uid import UID

from node.demonstration import phantom
from node.demonstration.header import header
from node.demonstration.shapes import Habitus
from node.rehearsal.department import SyntheticStudy, uid
from node.rehearsal.signs import bent, painted

NAME = "SYNTHETIC^NOBODY"
INVERTED = "DXROOM2"
"""This room sends MONOCHROME1: what attenuates more is darker until it is shown."""


def radiograph(study: SyntheticStudy, *, pixels: int) -> FileDataset:
    """The study's image, `pixels` high and wide."""
    rng = np.random.default_rng([study.patient.chance, study.number])
    grey = phantom.paint(
        rows=pixels,
        columns=pixels,
        habitus=exposed(study, rng),
        signs=[partial(painted, sign) for sign in study.signs],
        anatomy=np.random.default_rng(study.patient.chance),
        exposure=rng,
    )
    ds = header(rows=pixels, columns=pixels)
    _identify(ds, study)
    if study.room == INVERTED:
        grey = (phantom.MAXIMUM - grey).astype(np.uint16)
        ds.PhotometricInterpretation, ds.PresentationLUTShape = "MONOCHROME1", "INVERSE"
        ds.PixelIntensityRelationshipSign = -1
    ds.PixelData = grey.astype("<u2").tobytes()
    return ds


def exposed(study: SyntheticStudy, rng: np.random.Generator) -> Habitus:
    """The patient on this day: findings that bend the anatomy, and how the exposure was."""
    habitus = study.patient.habitus
    for sign in study.signs:
        habitus = bent(habitus, sign)
    bedside = study.view == "AP"
    return Habitus(
        width=habitus.width * (1.03 if bedside else 1.0),
        height=habitus.height,
        heart=habitus.heart * (1.06 if bedside else 1.0),  # nearer to the tube, farther from the detector
        raised_right=habitus.raised_right + 0.04 * bedside,
        raised_left=habitus.raised_left + 0.04 * bedside,
        exposure=float(rng.uniform(0.54, 0.66)),
        contrast=float(rng.uniform(3.9, 5.2)),
        noise=float(rng.uniform(0.8, 1.4)) * (1.4 if bedside else 1.0),
    )


def _identify(ds: FileDataset, study: SyntheticStudy) -> None:
    ds.PatientName, ds.PatientID = NAME, study.patient.patient_id
    ds.StudyInstanceUID, ds.AccessionNumber = study.study_instance_uid, study.accession_number
    ds.SeriesInstanceUID = uid(study.study_instance_uid, "series")
    ds.SOPInstanceUID = UID(uid(study.study_instance_uid, "image"))
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    for noun in ("Study", "Series", "Acquisition", "Content"):
        setattr(ds, f"{noun}Date", study.taken_at.strftime("%Y%m%d"))
        setattr(ds, f"{noun}Time", study.taken_at.strftime("%H%M%S"))
    ds.StudyDescription = ds.SeriesDescription = f"Chest {study.view} (synthetic)"
    ds.ViewPosition, ds.StationName = study.view, study.room
    if study.view == "AP":
        view = ds.ViewCodeSequence[0]
        view.CodeValue, view.CodeMeaning = "399348003", "antero-posterior"

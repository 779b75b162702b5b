"""Whom a department has seen today, the newest first, with what its radiologists wrote. Nobody is a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from db.records import StudyState
from db.result_records import DeliveryState

TODAY = datetime(2026, 3, 18, 14, 5, tzinfo=UTC)
"""A Wednesday afternoon."""
BEFORE, VERSION = "starter-0.2.0", "2026-01-whole"
"""The model that read until January, and the one that reads."""
POINTS = {
    "Atelectasis": 0.31,
    "Cardiomegaly": 0.27,
    "Effusion": 0.34,
    "Infiltration": 0.38,
    "Mass": 0.22,
    "Nodule": 0.21,
    "Pneumonia": 0.12,
    "Pneumothorax": 0.18,
}
"""Its operating points."""


@dataclass(frozen=True, slots=True)
class Case:
    """A study: its patient, who sent it and how many minutes ago, what the model found, and its report.

    `delivery` is how far its results have got, None where it has none.
    """

    name: str
    room: str
    minutes: int
    found: Mapping[str, float] = field(default_factory=dict)
    report: str = ""
    state: StudyState = StudyState.READ
    delivery: DeliveryState | None = DeliveryState.COMMITTED


CLEAR = "FINDINGS: The lungs are clear. Heart size is normal. No effusion or pneumothorax.\nIMPRESSION: Normal chest."

CASES = (
    Case("TANAKA^YUKI=田中^由紀", "DXROOM2", 0, state=StudyState.ARRIVING),
    Case("OYELARAN^FOLASADE", "WARDXR", 1, state=StudyState.QUEUED),
    Case("BERGSTRÖM^NILS", "DXROOM1", 3, {"Cardiomegaly": 0.52}, delivery=DeliveryState.WAITING),
    Case("MORALES^INÉS", "DXROOM2", 6, {}),
    Case("DUBOIS^CAMILLE", "WARDXR", 9, {"Atelectasis": 0.47, "Effusion": 0.71}),
    Case("PAPADOPOULOS-KONSTANTINIDIS^ALEXANDROS^GEORGIOS", "DXROOM1", 12, {"Mass": 0.39, "Nodule": 0.33}),
    Case("KOVÁCS^ESZTER", "DXROOM2", 17, state=StudyState.NOT_READ),
    Case(
        "NGUYEN^THI LAN",
        "WARDXR",
        29,
        {"Pneumothorax": 0.47, "Atelectasis": 0.44},
        "FINDINGS: Portable image. Bibasilar atelectasis. No effusion or pneumothorax.",
    ),
    Case("ROSSI^GIULIA", "DXROOM1", 33, {}, CLEAR),
    Case(
        "HAKIM^LEILA",
        "DXROOM2",
        41,
        {"Effusion": 0.83, "Cardiomegaly": 0.77},
        "FINDINGS: The heart is enlarged. Small left pleural effusion. No pneumothorax.",
    ),
    Case(
        "NOVAK^PETR",
        "DXROOM1",
        48,
        {"Nodule": 0.58},
        "FINDINGS: Heart size is normal. The lungs are clear. No pleural effusion.",
    ),
    Case("SILVA^MARIA", "WARDXR", 52, {"Effusion": 0.44}, delivery=DeliveryState.REFUSED),
    Case(
        "ANDERSEN^KIRSTEN",
        "WARDXR",
        58,
        {"Infiltration": 0.61},
        "FINDINGS: Small right apical pneumothorax of 1 cm. Patchy infiltrates in both lungs.",
    ),
    Case(
        "GARCÍA^MATEO",
        "DXROOM2",
        66,
        {"Cardiomegaly": 0.68},
        "FINDINGS: The heart is not enlarged. No focal infiltrate to suggest pneumonia. No effusion.",
    ),
    Case("YILMAZ^DENIZ", "DXROOM1", 73, {}, CLEAR),
    Case(
        "SCHNEIDER^ANKE",
        "DXROOM1",
        80,
        {},
        "FINDINGS: There is a rounded mass in the right upper zone, measuring 39 mm. No effusion.",
    ),
    Case(
        "MBEKI^THANDO",
        "WARDXR",
        88,
        {"Pneumonia": 0.31, "Infiltration": 0.55},
        "FINDINGS: Focal airspace shadowing in the left lower zone, in keeping with pneumonia. No effusion.",
    ),
    Case("AL-FARSI^SALIM", "DXROOM2", 95, {}, CLEAR),
    Case(
        "LARSEN^OLE",
        "DXROOM1",
        104,
        {"Effusion": 0.79, "Atelectasis": 0.4},
        "FINDINGS: Linear atelectasis at the left base. The costophrenic angles are clear. No pleural effusion.",
    ),
    Case(
        "FERNANDES^JOÃO",
        "WARDXR",
        112,
        {"Infiltration": 0.49},
        "FINDINGS: Left lower zone pneumonia. No effusion or pneumothorax.",
    ),
    Case("WÓJCIK^ZOFIA", "DXROOM2", 119, {"Atelectasis": 0.36}, CLEAR),
    Case(
        "O'BRIEN^AOIFE",
        "DXROOM1",
        127,
        {"Mass": 0.41},
        "FINDINGS: 37 mm mass projected over the left upper zone. Heart size is normal.",
    ),
    Case("IVANOVA^DARIA=Иванова^Дарья", "DXROOM2", 134, {}, CLEAR),
    Case(
        "SMITH^HAROLD",
        "WARDXR",
        141,
        {"Cardiomegaly": 0.81, "Effusion": 0.66},
        "FINDINGS: Marked cardiomegaly. Moderate right pleural effusion. No pneumothorax.",
    ),
    Case("MÜLLER^SABINE", "DXROOM1", 150, state=StudyState.FAILED),
    Case(
        "KIM^MIN-JI",
        "DXROOM2",
        158,
        {"Nodule": 0.35},
        "FINDINGS: There is a nodule in the right middle zone, up to 15 mm. The heart is not enlarged.",
    ),
)

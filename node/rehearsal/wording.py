"""A synthetic study's report, as a radiologist would dictate it: what was drawn, what was not, and what is unsure.

The words are templates of the project. A small sign is now and then hedged, one that went since the last study is
called resolved, and the indication asks for what may not be there: all of which a miner has to tell apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from node.rehearsal.department import SyntheticStudy
from node.rehearsal.signs import Sign

HEDGED = 0.2
"""Of the smallest signs, how many the report is unsure of."""
SIZES = {1: ("Small", "Minor"), 2: ("Moderate",), 3: ("Large",)}

SEEN: Mapping[str, Sequence[str]] = {
    "Atelectasis": (
        "Linear atelectasis at the {side} base.",
        "There is {small} plate atelectasis in the {side} lower zone, with elevation of the {side} hemidiaphragm.",
    ),
    "Cardiomegaly": ("The heart is enlarged.", "{Degree} cardiomegaly.", "The cardiac silhouette is enlarged."),
    "Effusion": (
        "{Small} {side} pleural effusion.",
        "There is a {small} pleural effusion on the {side}, with a meniscus at the chest wall.",
        "{Small} effusion at the {side} base.",
    ),
    "Infiltration": (
        "Patchy infiltrates in both lungs.",
        "{Small} bilateral infiltrates.",
        "There are scattered ill-defined infiltrates bilaterally.",
    ),
    "Mass": (
        "There is a rounded mass in the {side} {zone} zone, measuring {mm} mm.",
        "{mm} mm mass projected over the {side} {zone} zone.",
    ),
    "Nodule": (
        "There {is_are} {nodules} in the {side} {zone} zone, up to {mm} mm.",
        "{Nodules} of up to {mm} mm in the {side} lung.",
    ),
    "Pneumonia": (
        "Focal airspace shadowing in the {side} {zone} zone, in keeping with pneumonia.",
        "{Side} {zone} zone pneumonia.",
        "Patchy shadowing in the {side} {zone} zone consistent with pneumonia.",
    ),
    "Pneumothorax": (
        "{Small} {side} pneumothorax.",
        "There is a {small} {side} pneumothorax. The lung edge is seen.",
    ),
}
UNSURE: Mapping[str, str] = {
    "Atelectasis": "Faint linear shadow at the {side} base, possibly atelectasis.",
    "Cardiomegaly": "The heart may be enlarged.",
    "Effusion": "Blunting of the {side} costophrenic angle, possibly a trace of pleural effusion.",
    "Infiltration": "Subtle bilateral shadowing; infiltrates cannot be excluded.",
    "Mass": "Ill-defined shadow in the {side} {zone} zone; a mass cannot be excluded.",
    "Nodule": "Small shadow in the {side} {zone} zone, possibly a nodule.",
    "Pneumonia": "Faint shadowing in the {side} {zone} zone; pneumonia cannot be excluded.",
    "Pneumothorax": "Thin line at the {side} apex; a small pneumothorax cannot be excluded.",
}
AGAIN = "The {side} {word} has {change} since the previous study."
GONE = "The {word} seen previously has resolved."
CHANGES = {-1: "decreased", 0: "not changed", 1: "increased"}
WORDS: Mapping[str, str] = {
    "Atelectasis": "atelectasis",
    "Effusion": "pleural effusion",
    "Mass": "mass",
    "Nodule": "nodule",
    "Pneumonia": "pneumonia",
    "Pneumothorax": "pneumothorax",
}
"""What has a side, and can be said to have changed."""
ABSENT: Sequence[tuple[frozenset[str], Sequence[str]]] = (
    (frozenset({"Effusion", "Pneumothorax"}), ("No pleural effusion or pneumothorax.", "No effusion or pneumothorax.")),
    (frozenset({"Effusion"}), ("No pleural effusion.", "The costophrenic angles are clear.")),
    (frozenset({"Pneumothorax"}), ("No pneumothorax.", "There is no evidence of pneumothorax.")),
    (frozenset({"Cardiomegaly"}), ("Heart size is normal.", "The heart is not enlarged.", "No cardiomegaly.")),
    (frozenset({"Mass", "Nodule"}), ("No mass or nodule.", "There is no suspicious nodule or mass.")),
    (
        frozenset({"Infiltration", "Pneumonia"}),
        ("No infiltrate or pneumonia.", "No focal infiltrate to suggest pneumonia."),
    ),
)
"""What may be said when none of these is there; each finding once."""
INDICATIONS = (
    "Cough and fever. Pneumonia?",
    "Shortness of breath, query heart failure or effusion.",
    "Follow-up.",
    "Before surgery.",
    "Chest pain, exclude pneumothorax.",
    "Weight loss. Mass?",
)
CLEAR = ("Normal chest radiograph.", "No acute cardiopulmonary abnormality.", "The lungs are clear.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A report in its parts, and which findings it is unsure of."""

    indication: str
    findings: str
    impression: str
    unsure: frozenset[str]


def worded(study: SyntheticStudy) -> Wording:
    """The report of a study; always the same for the same study."""
    rng = np.random.default_rng([study.patient.chance, study.number, 2])
    unsure = frozenset(sign.finding for sign in study.signs if sign.size == 1 and rng.random() < HEDGED)
    seen = [_of(sign, sign.finding in unsure, study.before, rng) for sign in study.signs]
    said = [*seen, *_gone(study), *_absent(study, rng)]
    lead = [text for text, sign in zip(seen, study.signs, strict=True) if sign.finding not in unsure]
    return Wording(
        indication=_one(INDICATIONS, rng),
        findings=" ".join(said),
        impression=" ".join(lead) or (_one(CLEAR[:2], rng) if not study.signs else "As described."),
        unsure=unsure,
    )


def _of(sign: Sign, is_unsure: bool, before: SyntheticStudy | None, rng: np.random.Generator) -> str:
    """A sentence or two on a sign."""
    if is_unsure:
        return UNSURE[sign.finding].format(side=sign.side, zone=sign.zone)
    small = _one(SIZES[sign.size], rng)
    nodules = "a nodule" if sign.size == 1 else f"{('two', 'three')[sign.size - 2]} nodules"
    text = _one(SEEN[sign.finding], rng).format(
        side=sign.side,
        Side=sign.side.capitalize(),
        zone=sign.zone,
        Small=small,
        small=small.lower(),
        Degree=("Mild", "Moderate", "Marked")[sign.size - 1],
        is_are="is" if sign.size == 1 else "are",
        nodules=nodules,
        Nodules=nodules.capitalize(),
        mm=30 + 9 * sign.size if sign.finding == "Mass" else 14 + sign.size,
    )
    earlier = [each.size for each in before.signs if each.finding == sign.finding] if before else []
    if not earlier or sign.finding not in WORDS:
        return text
    change = CHANGES[int(np.sign(sign.size - earlier[0]))]
    return f"{text} {AGAIN.format(side=sign.side, word=WORDS[sign.finding], change=change)}"


def _gone(study: SyntheticStudy) -> list[str]:
    before = study.before.findings if study.before else frozenset()
    return [GONE.format(word=WORDS[name]) for name in sorted(before - study.findings) if name in WORDS]


def _absent(study: SyntheticStudy, rng: np.random.Generator) -> list[str]:
    """Some of what is not there; radiologists do not name everything."""
    if not study.signs and rng.random() < 0.2:
        return [CLEAR[2]]
    told: set[str] = set()
    sentences = []
    for names, choices in ABSENT:
        if not names & (study.findings | told) and rng.random() < 0.75:
            told |= names
            sentences.append(_one(choices, rng))
    return sentences or ["The bones are unremarkable."]


def _one(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(0, len(choices)))]

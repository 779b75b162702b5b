"""How soon somebody should look where model and report differ: the clinical weight of each finding."""

from collections.abc import Mapping

URGENCY: Mapping[str, int] = {
    "Pneumothorax": 4,
    "Mass": 3,
    "Nodule": 3,
    "Pneumonia": 2,
    "Effusion": 2,
    "Infiltration": 1,
    "Atelectasis": 1,
    "Cardiomegaly": 1,
}
"""Pneumothorax may be an emergency; a mass or nodule that was passed over is found too late; pneumonia and effusion are
treated today; the others can wait. Not of the paper: a choice of this project."""


def rank(finding: str, probability: float, operating_point: float) -> float:
    """Urgency, and within it the model's confidence: how far the probability is from the operating point, in [0, 1).

    Args:
        finding: one that has no urgency of its own counts as 0.
        probability: in [0, 1].
        operating_point: in [0, 1]; at or above it the finding is present.
    """
    if probability >= operating_point:
        room, past = 1 - operating_point, probability - operating_point
    else:
        room, past = operating_point, operating_point - probability
    return URGENCY.get(finding, 0) + (min(past / room, 0.999) if room > 0 else 0.0)

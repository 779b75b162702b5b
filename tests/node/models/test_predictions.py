"""Predictions as rows."""

import numpy as np

from inference.prediction import FindingScore, Prediction
from node.models.predictions import probabilities


def predicted(**scores: float) -> Prediction:
    """An image whose findings have these probabilities, at an operating point of a half."""
    return Prediction(
        model_version="m1",
        rows=1,
        columns=1,
        scores=tuple(
            FindingScore(finding=name, probability=probability, operating_point=0.5)
            for name, probability in scores.items()
        ),
        cam=np.zeros((len(scores), 1, 1), np.float32),
    )


def test_a_study_has_the_highest_probability_of_its_images() -> None:
    """Of what is at or above its operating point in one of them; what is below it everywhere is left out."""
    images = [predicted(Mass=0.6, Nodule=0.49, Effusion=0.5), predicted(Mass=0.8, Nodule=0.1, Effusion=0.2)]

    assert probabilities(images) == {"Mass": 0.8, "Effusion": 0.5}
    assert probabilities([]) == {}

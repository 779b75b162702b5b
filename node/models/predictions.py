"""Predictions on their way into the database and back."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from db.records import StoredPrediction
from inference.prediction import Box, FindingScore, Prediction


def kept(instance_id: int, prediction: Prediction) -> StoredPrediction:
    """A prediction as a row: boxes as lists, the CAM as little-endian float32."""
    scores: list[dict[str, Any]] = [
        {
            "finding": score.finding,
            "probability": score.probability,
            "operating_point": score.operating_point,
            "boxes": [[box.x, box.y, box.width, box.height, box.threshold] for box in score.boxes],
        }
        for score in prediction.scores
    ]
    return StoredPrediction(
        instance_id=instance_id,
        model_version=prediction.model_version,
        rows=prediction.rows,
        columns=prediction.columns,
        scores=scores,
        cam=prediction.cam.astype("<f4").tobytes(),
        cam_shape=prediction.cam.shape,
    )


def restored(stored: StoredPrediction) -> Prediction:
    """The prediction a row was made of."""
    return Prediction(
        model_version=stored.model_version,
        rows=stored.rows,
        columns=stored.columns,
        scores=tuple(
            FindingScore(
                finding=score["finding"],
                probability=score["probability"],
                operating_point=score["operating_point"],
                boxes=tuple(
                    Box(x=x, y=y, width=width, height=height, threshold=threshold)
                    for x, y, width, height, threshold in score["boxes"]
                ),
            )
            for score in stored.scores
        ),
        cam=np.frombuffer(stored.cam, "<f4").reshape(stored.cam_shape),
    )


def probabilities(predictions: Iterable[Prediction]) -> dict[str, float]:
    """The findings above their operating points in any image of a study, with the highest probability of each."""
    found: dict[str, float] = {}
    for prediction in predictions:
        for score in prediction.scores:
            if score.present:
                found[score.finding] = max(score.probability, found.get(score.finding, 0.0))
    return found

"""A model without a gradient."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from inference import bundle  # noqa: E402
from inference.backbones import BACKBONES  # noqa: E402
from inference.classifier import Classifier  # noqa: E402
from inference.image import Image  # noqa: E402
from inference.regions import REGIONS  # noqa: E402
from tests.training.tiny import FINDINGS, MACHINE, RECIPE, tiny_row, write_snapshot  # noqa: E402
from training.errors import TrainingError  # noqa: E402
from training.lungs import USUAL  # noqa: E402
from training.regression import Seen, fitted, regions, told  # noqa: E402
from training.ridge import across, train_ridge  # noqa: E402
from training.snapshot import Item, Split, read  # noqa: E402

RIDGE = replace(RECIPE, tune="none", ridge=0.1)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("ridge")
    write_snapshot(folder / "s")
    return folder


@pytest.fixture(scope="module")
def whole(data: Path) -> Path:
    """A training of three folds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, "alexnet", tiny_row())
        train_ridge(data / "s", data / "whole", RIDGE, MACHINE, 3)
    return data / "whole"


def items_of(labels: np.ndarray, sources: list[str]) -> list[Item]:
    return [
        Item(
            image=f"{number}.png",
            sha256=f"{number:064x}",
            instance_id=None,
            study_id=None,
            patient=f"{number}",
            view="PA",
            source=source,
            split=Split.TRAIN,
            labels=tuple(row),
            provenance="published",
            after_result=False,
        )
        for number, (row, source) in enumerate(zip(labels, sources, strict=True))
    ]


def test_regression_finds_what_counts() -> None:
    """A finding that one column tells is found in it; what is not known of an image is not learnt from it."""
    generator = np.random.default_rng(0)
    columns = generator.normal(size=(200, 4))
    labels = np.stack([columns[:, 1] > 0, columns[:, 3] > 0], axis=1).astype(float)
    labels[:40, 1] = np.nan

    found = told([columns], items_of(labels, ["a"] * 200), RIDGE)

    assert np.abs(found.weight).argmax(axis=1).tolist() == [1, 3]
    assert ((found(columns)[40:] > 0) == (labels[40:] == 1)).mean() > 0.95


def test_large_penalty_says_the_share() -> None:
    """With a penalty past all measure each logit is that of the finding's share, 1 in 4."""
    labels = np.array([[1.0], [0.0], [0.0], [0.0]] * 10)
    columns = np.random.default_rng(0).normal(size=(40, 3))

    found = told([columns], items_of(labels, ["a"] * 40), replace(RIDGE, ridge=1e12))

    np.testing.assert_allclose(found(columns), np.log(1 / 3), atol=1e-6)


def test_network_says_what_the_regressions_say() -> None:
    """The network finds the lungs where the regression does, and its logits are those of the means of their regions."""
    generator = np.random.default_rng(0)
    maps = generator.normal(size=(30, 6, 10, 10)).astype(np.float16)
    seen = Seen.of([maps], np.array(USUAL) + 0.05 * generator.normal(size=(30, 4)))
    labels = generator.integers(0, 2, (30, 2)).astype(float)
    fit = fitted(seen, items_of(labels, ["a"] * 30), np.ones(30, dtype=bool), RIDGE)
    network = regions(torch.nn.Identity(), fit, (10, 10))

    with torch.inference_mode():
        lungs, (logits, _) = (said(torch.from_numpy(maps.astype(np.float32))) for said in (network.lungs, network))

    assert seen.columns(0, fit.located).shape == (30, 6 * len(REGIONS))
    np.testing.assert_allclose(lungs.numpy(), fit.located(seen.parts[0]), atol=1e-4)
    np.testing.assert_allclose(logits.numpy(), fit.logits(seen), atol=1e-3)


def test_source_is_read_by_what_has_not_seen_it() -> None:
    """What a brightness means in one source says nothing in the other, where it means the opposite."""
    brightness = np.random.default_rng(0).normal(size=(200, 1)).astype(np.float16)
    labels = (brightness > 0).astype(float)
    labels[100:] = 1 - labels[100:]
    seen = Seen.of([np.tile(brightness[:, :, None, None], (1, 1, 4, 4))], np.full((200, 4), np.nan))

    found = across(seen, items_of(labels, ["a"] * 100 + ["b"] * 100), RIDGE)

    assert found == {"a": 0.0, "b": 0.0}


def test_bundle_serves(whole: Path, data: Path) -> None:
    """The model reads an image, and its card says what it is and what it reaches out of fold."""
    served = Classifier(bundle.load(whole / "model"), threads=1)

    prediction = served(Image.windowed(np.zeros((64, 64), dtype=np.uint8)))

    assert [score.finding for score in prediction.scores] == list(FINDINGS)
    assert served.card.architecture.regions == tuple(REGIONS)
    assert served.card.metrics.out_of_fold["all"] > 0.7
    learning = [item for item in read(data / "s").items if item.split is not Split.TEST]
    assert served.card.data.train == served.card.data.validation
    assert served.card.data.train.images == len(learning)


def test_test_patients_are_not_learnt_from(data: Path, whole: Path, tmp_path: Path, monkeypatch) -> None:
    """Other labels of the test patients change nothing of the weights."""
    monkeypatch.setitem(BACKBONES, "alexnet", tiny_row())
    asked = []

    def noted(seen: Seen, items: list[Item], *rest: object) -> object:
        asked.extend(item.split for item in items)
        return fitted(seen, items, *rest)  # type: ignore[arg-type]  # they are what the caller has

    monkeypatch.setattr("training.ridge.fitted", noted)
    train_ridge(data / "s", tmp_path / "out", RIDGE, MACHINE, 3)

    assert asked
    assert Split.TEST not in asked


def test_finished_training_is_not_overwritten(data: Path, whole: Path) -> None:
    """A folder that holds a model is refused."""
    with pytest.raises(TrainingError, match="has ended"):
        train_ridge(data / "s", whole, RIDGE, MACHINE, 3)

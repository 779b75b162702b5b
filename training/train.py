"""Train a model from a folder of radiographs and a table of labels: `python -m training.train --help`.

To be read from top to bottom:

1. The images are split by patient into train, validation and test.
2. The backbone's lower part stays as ImageNet made it. What it sees of each image, and of a few altered
   copies of each training image, is computed once and kept: this is what makes training on two cores a
   matter of minutes.
3. Transition and prediction train first, alone; then the backbone's upper part trains with them.
4. A running average of the weights is kept: it is steadier than the last step on so few images. After each
   epoch it is scored on the validation set by the AUC within collection and view, and the best epoch stays.
5. `training.finish` calibrates, chooses operating points, measures on the test set, exports and writes the
   bundle.

Every number goes to `metrics.jsonl` in the output folder as it comes.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from db.vocabulary import EIGHT
from inference.card import Preprocessing
from inference.image import Image
from inference.network import Network
from inference.preprocess import model_input
from training.dataset import (
    Radiograph,
    augment,
    balanced_weights,
    read_image,
    read_table,
    split_by_patient,
    strata,
)
from training.evaluate import mean_auc, mean_stratified_auc
from training.export import to_onnx
from training.finish import finish
from training.losses import weighted_cross_entropy

FINDINGS = tuple(finding.name for finding in EIGHT)
Features = npt.NDArray[np.float16]


def main() -> None:
    """Train, measure and write a bundle."""
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    log = Log(options.out / "metrics.jsonl")
    torch.manual_seed(options.seed)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(options.threads)
    generator = np.random.default_rng(options.seed)

    # The data.
    rows = read_table(options.images, options.labels, FINDINGS)
    split = split_by_patient(rows, options.seed)
    strata_of = strata(rows)
    log.write(event="split", train=len(split.train), validation=len(split.validation), test=len(split.test))

    # The network, and what its lower part sees.
    preprocessing = Preprocessing(size=options.size, mean=0.5, std=0.25)
    network = Network(
        backbone="efficientnet-lite0",
        weights="imagenet",
        findings=len(FINDINGS),
        width=options.width,
        pooling=options.pooling,
        r=options.r,
    ).to(memory_format=torch.channels_last)
    store = options.out / f"features-{options.size}-{options.seed}"
    train = [
        lower_features(network, split.train, preprocessing, store / f"train-{copy}.npy", copy=copy, seed=options.seed)
        for copy in range(options.copies + 1)
    ]
    validation = lower_features(network, split.validation, preprocessing, store / "validation.npy")

    # Transition and prediction first, then the upper part of the backbone as well.
    upper = network.backbone.upper
    head = [*network.transition.parameters(), *network.prediction.parameters()]
    groups = [{"params": head}, {"params": list(upper.parameters())}]
    optimizer = torch.optim.AdamW(groups, weight_decay=options.weight_decay)
    steps = options.epochs * (len(split.train) // options.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=[options.rate, options.rate / 10], total_steps=steps, pct_start=0.2
    )
    labels = torch.tensor([row.labels for row in split.train], dtype=torch.float32)
    weights = balanced_weights(split.train)
    average = deepcopy(network)
    best, best_state, started = 0.0, deepcopy(network.state_dict()), time.monotonic()
    for epoch in range(options.epochs):
        upper.requires_grad_(epoch >= options.head_epochs)
        network.train()
        upper.eval()  # its batch normalisation keeps ImageNet's statistics: batches are small
        losses = []
        for chosen in batches(weights, options.batch, generator):
            copies = generator.integers(0, options.copies + 1, size=len(chosen))
            batch = np.stack([train[c][i] for c, i in zip(copies, chosen, strict=True)])
            logits, _ = network.head(upper(tensor(batch)))
            loss = weighted_cross_entropy(logits, labels[chosen])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch has no type here
            optimizer.step()
            schedule.step()
            follow(average, network, options.average)
            losses.append(loss.item())
        scores = score(average, validation)
        truth = np.array([row.labels for row in split.validation])
        fair = mean_stratified_auc(truth, scores, [strata_of[row.path.name] for row in split.validation])
        if fair > best:
            best, best_state = fair, deepcopy(average.state_dict())
        log.write(
            event="epoch",
            epoch=epoch,
            loss=round(float(np.mean(losses)), 4),
            validation_auc=round(mean_auc(truth, scores) or 0, 4),
            validation_stratified_auc=round(fair, 4),
            minutes_left=round((time.monotonic() - started) / (epoch + 1) * (options.epochs - epoch - 1) / 60, 1),
        )

    # Measure, export, write the bundle.
    network.load_state_dict(best_state)
    log.write(
        **finish(
            to_onnx(network, options.size),
            preprocessing,
            split,
            strata_of=strata_of,
            options=options,
            findings=FINDINGS,
        )
    )


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--images", type=Path, required=True, help="folder of PNG or JPEG images")
    parser.add_argument("--labels", type=Path, required=True, help="CSV: image, patient_id, view, sources, findings")
    parser.add_argument("--out", type=Path, required=True, help="folder for metrics, features and the bundle")
    parser.add_argument("--boxes", type=Path, help="CSV of radiologists' boxes: image, label, x, y, w, h of 1024")
    parser.add_argument("--name", default="starter", help="name of the model (default: %(default)s)")
    parser.add_argument("--model-version", default="starter-1", help="version (default: %(default)s)")
    parser.add_argument("--size", type=int, default=320, help="side of the input in pixels (default: %(default)s)")
    parser.add_argument("--copies", type=int, default=6, help="altered copies of an image (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=8, help="(default: %(default)s)")
    parser.add_argument("--head-epochs", type=int, default=2, help="of these, head only (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=32, help="images a step (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate of the head; a tenth above")
    parser.add_argument("--weight-decay", type=float, default=0.01, help="(default: %(default)s)")
    parser.add_argument("--width", type=int, default=256, help="channels of the transition (default: %(default)s)")
    parser.add_argument("--average", type=float, default=0.98, help="of the past, in the running average")
    parser.add_argument("--pooling", choices=("average", "max", "lse"), default="lse", help="(default: %(default)s)")
    parser.add_argument("--r", type=float, default=10.0, help="sharpness of LSE (default: %(default)s)")
    parser.add_argument("--specificity", type=float, default=0.9, help="target of the operating points")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="processor threads (default: %(default)s)")
    return parser.parse_args()


class Log:
    """Writes each event as a line of JSON, to the file and to the terminal."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, **event: object) -> None:
        """Append one event."""
        line = json.dumps(event)
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
        print(line, flush=True)  # noqa: T201  # the terminal is where training is watched


def tensor(batch: npt.NDArray[np.generic]) -> torch.Tensor:
    """(B, C, H, W) to float32, channels last, as the processor likes it."""
    return torch.from_numpy(batch.astype(np.float32)).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def follow(average: Network, network: Network, past: float) -> None:
    """Move a running average of the weights towards the network's, keeping `past` of what it was."""
    for kept, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(new, 1 - past)


def batches(
    weights: npt.NDArray[np.float64], size: int, generator: np.random.Generator
) -> Iterator[npt.NDArray[np.int_]]:
    """One epoch of batches, images drawn by weight, with replacement."""
    for _ in range(len(weights) // size):
        yield generator.choice(len(weights), size=size, p=weights)


@torch.inference_mode()
def lower_features(
    network: Network,
    rows: Sequence[Radiograph],
    preprocessing: Preprocessing,
    path: Path,
    *,
    copy: int = 0,
    seed: int = 0,
) -> Features:
    """What the backbone's lower part sees of each image (copy 0) or of an altered copy: (N, 80, S/16, S/16).

    Kept at `path`, so that a second run with the same images, size and seed need not compute it again.
    """
    if path.is_file():
        kept: Features = np.load(path, mmap_mode="r")
        return kept
    generator = np.random.default_rng((seed, copy))
    network.eval()
    parts = []
    for start in range(0, len(rows), 32):
        images = [read_image(row) for row in rows[start : start + 32]]
        if copy:
            images = [augment(image, generator) for image in images]
        batch = np.concatenate([model_input(Image.windowed(image), preprocessing) for image in images])
        with torch.autocast("cpu", torch.bfloat16):
            parts.append(network.backbone.lower(tensor(batch)).half().numpy())
    features = np.concatenate(parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, features)
    print(f"{path.name}: {len(rows)} images", flush=True)  # noqa: T201  # progress
    return features


@torch.inference_mode()
def score(network: Network, features: Features) -> npt.NDArray[np.float64]:
    """Logits (N, C) of images whose lower features are kept."""
    network.eval()
    parts = [
        network.head(network.backbone.upper(tensor(features[start : start + 64])))[0].numpy()
        for start in range(0, len(features), 64)
    ]
    return np.concatenate(parts).astype(np.float64)


if __name__ == "__main__":
    main()

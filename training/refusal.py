"""What cannot be trained, and what stops a training, in sentences that say what to do."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from training.dataset import labels_of, of_split, strata
from training.errors import TrainingError
from training.roc import stratified_auc
from training.snapshot import Item, Split


def refuse(items: Sequence[Item], findings: Sequence[str]) -> None:
    """Raise unless something can be learnt of every finding, validated, and measured on patients kept apart.

    Raises:
        TrainingError: the sentence says what is missing.
    """
    if len({item.patient for item in items}) < len(Split):
        raise TrainingError(
            f"the snapshot has {len({item.patient for item in items})} patient(s); training, validation and test need "
            "patients of their own, so take a snapshot of more"
        )
    splits: dict[str, Split] = {}
    if any(splits.setdefault(item.patient, item.split) is not item.split for item in items):
        raise TrainingError("a patient is in two of the snapshot's sets, so nothing it measures counts; make a new one")
    for split in Split:
        part = of_split(items, split)
        if not part:
            raise TrainingError(f"the snapshot's {split} set is empty; take a snapshot of more patients")
        labels = labels_of(part)
        for word, value in (("with", 1), ("known to be without", 0)):
            lacking = [name for name, column in zip(findings, labels.T, strict=True) if not (column == value).any()]
            if lacking:
                without = " ".join(f"--without {name}" for name in lacking)
                raise TrainingError(
                    f"the snapshot's {split} set has no image {word} {', '.join(lacking)}; "
                    f"take a snapshot of more patients, or leave out what is rare: cxr snapshot create {without}"
                )
    refuse_incomparable(items)


def refuse_incomparable(items: Sequence[Item], advice: str = "take a snapshot of more patients") -> None:
    """Models are chosen by the AUC within source and view, which needs two images that differ in nothing else.

    Raises:
        TrainingError: there are no such two in the validation set; the advice says what to do.
    """
    strata_of, validation = strata(items), of_split(items, Split.VALIDATION)
    labels, names = labels_of(validation), [strata_of[item.image] for item in validation]
    if all(stratified_auc(column, column.astype(np.float64), names) is None for column in labels.T):
        raise TrainingError(
            f"no two images of the validation set are of one source and view and differ in a finding; {advice}"
        )


@contextmanager
def in_sentences(out: Path) -> Iterator[None]:
    """Say in words what else stops a training.

    Raises:
        TrainingError: the disk is full, or the GPU's memory.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise TrainingError("the GPU's memory does not hold a batch; give a smaller --batch, then --resume") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise TrainingError(
                f"the disk is full; make room for {error.filename or out}, then --resume goes on from the checkpoint"
            ) from error
        raise

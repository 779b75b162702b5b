"""The network while it learns: one step of the optimizer at a time, and all that goes into a checkpoint."""

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from inference.card import Preprocessing
from inference.network import Network
from training.checkpoint import random_state, restore_random_state
from training.errors import CheckpointError, DivergedError
from training.losses import LOSSES
from training.material import Chosen, Material, normalised
from training.parallel import SharedBatchNorm, Team
from training.recipe import Recipe

MOMENTUM = 0.9
WARM_UP = 0.2
"""The part of the steps in which the learning rate rises; then it falls to nothing along a cosine."""
BACKBONE_RATE = 0.1
"""Of the head's learning rate."""
SCORED_AT_ONCE = 64
Part = tuple[Tensor, Tensor]
"""Inputs and their labels (B, C)."""


class Logits(nn.Module):
    """From images, or from what the backbone's lower part saw of them, to logits (B, C)."""

    def __init__(self, network: Network, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.network, self.preprocessing = network, preprocessing

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, S, S) uint8 images or (B, D, S', S') features."""
        if inputs.dtype == torch.uint8:
            logits: Tensor = self.network(normalised(inputs, self.preprocessing))[0]
        else:
            upper = self.network.backbone.upper(inputs.float().contiguous(memory_format=torch.channels_last))
            logits = self.network.head(upper)[0]
        return logits


class Learner:
    """Holds the network, the running average of its weights, the best average so far and the optimizer.

    The running average is steadier than the last step; it is what is validated, kept and exported. In the first steps
    the average reaches less far back, so that it does not drag the untrained network along.

    Args:
        network: on the team's device.
        recipe: how it learns, fitted to the team.
        preprocessing: of images.
        steps: of the whole training, for the learning rate.
        team: with whom.
    """

    def __init__(self, network: Network, recipe: Recipe, preprocessing: Preprocessing, steps: int, team: Team) -> None:
        if team.size > 1 and isinstance(norm := network.transition[1], nn.BatchNorm2d):
            network.transition[1] = SharedBatchNorm.like(norm).to(team.device)
        self.network, self.average = network, deepcopy(network)
        self.best = deepcopy(network.state_dict())
        self.done, self._steps = 0, steps
        self._recipe, self._team, self._preprocessing = recipe, team, preprocessing
        self._loss = LOSSES[recipe.loss]
        self._optimizer = _optimizer(network, recipe)
        half = torch.bfloat16 if team.device.type == "cpu" or torch.cuda.is_bf16_supported() else torch.float16
        self._mixed: dict[str, Any] = {"device_type": team.device.type, "dtype": half, "enabled": self._cuda}
        self._scaler = torch.amp.GradScaler(team.device.type, enabled=self._cuda and half is torch.float16)
        self._path: nn.Module = Logits(network, preprocessing)

    @property
    def _cuda(self) -> bool:
        return self._team.device.type == "cuda"

    def train_parts(self, *, upper: bool, lower: bool) -> None:
        """Choose what learns from here on, beside transition and prediction.

        The backbone's batch normalisation keeps ImageNet's statistics throughout: batches are small.
        """
        self.network.train()
        self.network.backbone.eval()
        self.network.backbone.upper.requires_grad_(upper)
        self.network.backbone.lower.requires_grad_(lower)
        self._path = Logits(self.network, self._preprocessing)
        if self._team.size > 1:
            devices = [self._team.device] if self._cuda else None
            self._path = DistributedDataParallel(self._path, device_ids=devices, broadcast_buffers=False)

    def step(self, parts: Iterator[Part], count: int, whole: Tensor) -> float:
        """One step of the optimizer; returns its loss.

        Args:
            parts: where this process's batches come from.
            count: how many of them are the step's.
            whole: the labels of all images of the step, of all processes.

        Raises:
            DivergedError: the loss is no number; the weights are those of the step before.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak"] * _rate(self.done, self._steps)
        self._optimizer.zero_grad()
        device, loss = self._team.device, torch.zeros((), device=self._team.device)
        whole = whole.to(device)
        for number in range(count):
            inputs, labels = next(parts)
            with self._gathered(last=number == count - 1):
                with torch.autocast(**self._mixed):
                    logits = self._path(inputs.to(device, non_blocking=True))
                part = self._loss(logits.float(), labels.to(device), whole)
                # DistributedDataParallel takes the mean over processes, and this is a sum.
                self._scaler.scale(part * self._team.size).backward()  # type: ignore[no-untyped-call]  # torch has no type here
            loss += part.detach()
        value = self._team.total(loss).item()
        if not math.isfinite(value):
            raise DivergedError(
                f"the loss is no number any more in step {self.done + 1}; give a smaller --rate and train anew"
            )
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._follow()
        self.done += 1
        return value

    def _gathered(self, *, last: bool) -> AbstractContextManager[None]:
        """Gradients are added up over processes with a step's last batch only."""
        if isinstance(self._path, DistributedDataParallel) and not last:
            return self._path.no_sync()
        return nullcontext()

    @torch.no_grad()
    def _follow(self) -> None:
        past = min(self._recipe.average, (1 + self.done) / (10 + self.done))
        theirs = self.network.state_dict()
        for name, mine in self.average.state_dict().items():
            if mine.is_floating_point():
                mine.lerp_(theirs[name], 1 - past)
            else:
                mine.copy_(theirs[name])

    @torch.inference_mode()
    def score(self, material: Material, count: int) -> npt.NDArray[np.float64]:
        """The running average's logits (N, C) of all images as they are.

        Raises:
            DivergedError: one is no number, as after a last step whose own loss was one.
        """
        self.average.eval()
        path, scores = Logits(self.average, self._preprocessing), []
        for start in range(0, count, SCORED_AT_ONCE):
            chosen: Chosen = np.arange(start, min(start + SCORED_AT_ONCE, count))
            with torch.autocast(**self._mixed):
                scores.append(path(material.plain(chosen).to(self._team.device)).float().cpu().numpy())
        logits = np.concatenate(scores).astype(np.float64)
        if not np.isfinite(logits).all():
            raise DivergedError(
                f"what is learnt is no number any more after step {self.done}; give a smaller --rate and train anew"
            )
        return logits

    def keep_best(self) -> None:
        """The running average is the best so far."""
        self.best = deepcopy(self.average.state_dict())

    def tensors(self) -> dict[str, Tensor]:
        """All that a checkpoint needs, by name."""
        states = {"network": self.network.state_dict(), "average": self.average.state_dict(), "best": self.best}
        named = {f"{part}.{name}": tensor for part, state in states.items() for name, tensor in state.items()}
        for number, values in self._optimizer.state_dict()["state"].items():
            named |= {f"optimizer.{number}.{name}": value for name, value in values.items() if value is not None}
        return named | random_state()

    def facts(self) -> dict[str, Any]:
        """What of it JSON can say."""
        return {"done": self.done, "scaler": self._scaler.state_dict()}

    def restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Go on where a checkpoint stood.

        Raises:
            CheckpointError: it is of another network.
        """
        optimizer = self._optimizer.state_dict()
        try:
            self.network.load_state_dict(_part(tensors, "network"))
            self.average.load_state_dict(_part(tensors, "average"))
            self.best = {name: tensor.to(self._team.device) for name, tensor in _part(tensors, "best").items()}
            state: dict[int, dict[str, Tensor]] = {}
            for name, tensor in _part(tensors, "optimizer").items():
                number, _, key = name.partition(".")
                state.setdefault(int(number), {})[key] = tensor
            self._optimizer.load_state_dict(optimizer | {"state": state})
            if facts["scaler"]:
                self._scaler.load_state_dict(dict(facts["scaler"]))
            self.done = int(facts["done"])
            restore_random_state(tensors)
        except (RuntimeError, KeyError, ValueError) as error:
            raise CheckpointError("the checkpoint is of another network; train anew with another --out") from error


def _part(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{part}."): tensor for name, tensor in tensors.items() if name.startswith(f"{part}.")}


def _optimizer(network: Network, recipe: Recipe) -> torch.optim.Optimizer:
    head = [*network.transition.parameters(), *network.prediction.parameters()]
    groups = [
        {"params": head, "peak": recipe.rate},
        {"params": list(network.backbone.parameters()), "peak": recipe.rate * BACKBONE_RATE},
    ]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.rate, momentum=MOMENTUM, weight_decay=recipe.weight_decay)
    return torch.optim.AdamW(groups, lr=recipe.rate, weight_decay=recipe.weight_decay)


def _rate(step: int, steps: int) -> float:
    """The learning rate's part of its peak: a short rise, then a cosine."""
    rising = max(1, round(WARM_UP * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))

"""Training on several processors at once: the processes that torchrun starts, or just this one.

Every process takes its part of each step's images. The parts' losses add up to the loss of the whole step
(`training.losses`), and batch normalisation is over the images of all, so that two processes learn what one would from
batches twice as large.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn
from torch.distributed.nn import functional

PATIENCE = timedelta(days=2)
"""How long the others wait while the first decodes the images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """The processes of one training, of which this is number `rank`."""

    rank: int
    size: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes files and tells the person."""
        return self.rank == 0

    def wait(self) -> None:
        """Until all have come this far."""
        if self.size > 1:
            distributed.barrier()

    @contextmanager
    def first_goes_ahead(self) -> Iterator[None]:
        """The first process does what stands inside, then the others, who find done what the first has kept."""
        if not self.first:
            self.wait()
        yield
        if self.first:
            self.wait()

    def total(self, value: Tensor) -> Tensor:
        """The sum over all processes."""
        if self.size > 1:
            distributed.all_reduce(value)
        return value

    def from_first(self, value: float) -> float:
        """What the first process says, so that all decide alike."""
        if self.size == 1:
            return value
        said = torch.tensor([value], dtype=torch.float64, device=self.device)
        distributed.broadcast(said, src=0)
        return said.item()

    def part(self) -> None:
        """All leave, together, since NCCL may wait for everybody; each goes on alone, or ends."""
        if distributed.is_initialized():
            self.wait()
            distributed.destroy_process_group()


@contextmanager
def joined() -> Iterator[Team]:
    """Join the processes that torchrun started; without it this one is alone."""
    cuda = torch.cuda.is_available()
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    device = torch.device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if cuda else "cpu")
    if cuda:
        torch.cuda.set_device(device)
    if size > 1:
        distributed.init_process_group("nccl" if cuda else "gloo", timeout=PATIENCE)
    team = Team(rank=rank, size=size, device=device)
    yield team
    # After an error there is no leaving together: the process ends, and torchrun ends the others.
    team.part()


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation over the images of all processes; torch's own is for CUDA alone."""

    @classmethod
    def like(cls, norm: nn.BatchNorm2d) -> "SharedBatchNorm":
        """One with the parameters and statistics of `norm`."""
        shared = cls(norm.num_features, norm.eps, norm.momentum)
        shared.load_state_dict(norm.state_dict())
        return shared

    def forward(self, maps: Tensor) -> Tensor:
        """(N, D, H, W) -> (N, D, H, W)."""
        if not self.training:
            same: Tensor = super().forward(maps)
            return same
        count = _summed(maps.new_tensor([maps.numel() / maps.shape[1]]))
        mean = _summed(maps.sum(dim=(0, 2, 3))) / count
        centred = maps - mean[:, None, None]
        variance = _summed((centred**2).sum(dim=(0, 2, 3))) / count
        with torch.no_grad():
            self._follow(mean.detach(), variance.detach() * count / (count - 1))
        scale = self.weight / (variance + self.eps).sqrt()
        return centred * scale[:, None, None] + self.bias[:, None, None]

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is not None and self.running_var is not None:
            self.running_mean.lerp_(mean, self.momentum or 0.0)
            self.running_var.lerp_(variance, self.momentum or 0.0)


def _summed(value: Tensor) -> Tensor:
    """The sum over all processes, through which gradients flow back to each."""
    total: Tensor = functional.all_reduce(value)  # type: ignore[no-untyped-call]  # torch has no type here
    return total

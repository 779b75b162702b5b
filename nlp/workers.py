"""Mining on several processor cores: each worker process has a miner of its own."""

import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice

from nlp import miner
from nlp.aggregate import MinedReport, Policy
from nlp.miner import Miner, Report

_SHARE = 256
_AHEAD = 4


class _Worker:
    """What a worker process keeps between its shares."""

    miner: Miner | None = None


def mine(reports: Iterable[Report], *, model: str, policy: Policy, workers: int) -> Iterator[MinedReport]:
    """Mine reports in their order on `workers` processes; with one, in this one.

    Shares are handed out a few ahead of what has been taken, so that a long history never lies in memory whole.

    Raises:
        ModelMissingError: The model is not installed.
    """
    if workers == 1:
        yield from miner.load(model).mine_all(reports, policy)
        return
    source = iter(reports)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_start, initargs=(model,)) as pool:
        waiting: list[Future[list[MinedReport]]] = []
        while share := list(islice(source, _SHARE)):
            waiting.append(pool.submit(_mine, share, policy))
            if len(waiting) > workers * _AHEAD:
                yield from waiting.pop(0).result()
        for done in waiting:
            yield from done.result()


def _start(model: str) -> None:
    _Worker.miner = miner.load(model)


def _mine(share: list[Report], policy: Policy) -> list[MinedReport]:
    assert _Worker.miner is not None  # noqa: S101  the pool calls _start first
    return list(_Worker.miner.mine_all(share, policy))

"""Mining on several processor cores: each worker process has a miner of its own.

A worker is a plain process that takes shares of reports over a socket and gives them back mined. It does not import
what its starter imported, it ends when its starter ends, however that ends, and if it dies of a text it dies alone.
"""

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from db.report_records import ReportText
from nlp import miner
from nlp.aggregate import MinedReport, Policy
from nlp.datafiles import SHIPPED, Sources
from nlp.errors import MinerUnusableError, NlpError, WorkerLostError
from nlp.language import Readability
from nlp.miner import Miner, Report

SHARE = 128
"""How many reports a worker is given at once."""
LONGEST = 1_000_000
"""Characters of a stored report's text; a longer one is not read."""
NICE = 10
"""How far a worker stands back for whatever else wants the processor (nice(2)): reports can wait, modalities cannot."""

Item = Report | ReportText
"""A report in sections, or one as it is stored."""


def mine(
    reports: Iterable[Item], *, model: str, policy: Policy, workers: int, sources: Sources = SHIPPED
) -> Iterator[MinedReport]:
    """Mine reports in their order on `workers` processes; with one, in this one.

    Raises:
        ModelMissingError: The model is not installed.
        ParserMissingError: spaCy is not.
        WorkerLostError: A process ended.
    """
    if workers == 1:
        made = miner.load(model, sources)
        for share in _shares(reports):
            yield from mine_share(made, share, policy)
        return
    pool = Pool(model, workers, sources)
    try:
        yield from pool.mine(reports, policy)
    finally:
        pool.close()


class Pool:
    """Worker processes, started when they are first needed and kept."""

    def __init__(self, model: str, size: int, sources: Sources = SHIPPED) -> None:
        self._model = model
        self._sources = sources
        self._size = size
        self._workers: list[_Worker] = []

    def mine(self, reports: Iterable[Item], policy: Policy) -> Iterator[MinedReport]:
        """Mine reports in their order.

        A worker has one share at a time, and the next as soon as the last is taken from it, so that a long history
        never lies in memory whole. Not to be called again before it has ended.

        Raises:
            MinerUnusableError: A process cannot load its miner.
            WorkerLostError: A process ended; the next call starts all anew.
        """
        shares = _shares(reports)
        busy: deque[_Worker] = deque()
        finished = False
        try:
            for place, share in enumerate(islice(shares, self._size)):
                busy.append(self._worker(place))
                busy[-1].give(share, policy)
            while busy:
                worker = busy.popleft()
                mined = worker.take()
                for share in islice(shares, 1):
                    worker.give(share, policy)
                    busy.append(worker)
                yield from mined
            finished = True
        finally:
            if not finished:
                self.close()  # what is still under way would be taken for the answer to the next call

    def close(self) -> None:
        """End the processes at once; any thread may do that at any time."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.close()

    def _worker(self, place: int) -> "_Worker":
        workers = self._workers  # as it is now, whoever closes the pool meanwhile
        while len(workers) <= place:
            workers.append(_Worker(self._model, self._sources))
        return workers[place]


class _Worker:
    """One worker process, seen from its starter."""

    def __init__(self, model: str, sources: Sources) -> None:
        self._socket, theirs = Pipe()
        command = [sys.executable, "-P", "-m", "nlp.workers", model, str(theirs.fileno())]
        command += [str(sources.lexicon), str(sources.rules)]
        path = os.pathsep.join(each or str(Path.cwd()) for each in sys.path)
        self._process = subprocess.Popen(  # noqa: S603  our own module, and no shell
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # a library's words may quote a report
            env=os.environ | {"PYTHONPATH": path},
        )
        theirs.close()

    def give(self, share: Sequence[Item], policy: Policy) -> None:
        with self._lost():
            self._socket.send((share, policy))

    def take(self) -> list[MinedReport]:
        with self._lost():
            answer: list[MinedReport] | str = self._socket.recv()
        if isinstance(answer, str):
            raise MinerUnusableError(answer)
        return answer

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    @contextmanager
    def _lost(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError) as error:
            self.close()
            ended = self._process.returncode
            raise WorkerLostError(f"a process that mines reports ended while it worked ({ended})") from error


def _shares(reports: Iterable[Item]) -> Iterator[list[Item]]:
    source = iter(reports)
    while share := list(islice(source, SHARE)):
        yield share


def mine_share(made: Miner, share: Sequence[Item], policy: Policy) -> list[MinedReport]:
    """Mine a share. No stored report keeps the others from being mined, whatever is in it."""
    try:
        return _together(made, share, policy)
    except Exception:
        if not all(isinstance(item, ReportText) for item in share):
            raise
        return [_alone(made, item, policy) for item in share]


def _alone(made: Miner, item: Item, policy: Policy) -> MinedReport:
    try:
        return _together(made, [item], policy)[0]
    except Exception:  # noqa: BLE001  a door: the reading says FAULT, and its row is the record
        return made.unread(Readability.FAULT, policy)


def _together(made: Miner, share: Sequence[Item], policy: Policy) -> list[MinedReport]:
    mined = made.mine_all([_sections(made, item) for item in share], policy)
    return [
        made.unread(Readability.TOO_LONG, policy) if _is_too_long(item) else reading
        for item, reading in zip(share, mined, strict=True)
    ]


def _sections(made: Miner, item: Item) -> Report:
    if not isinstance(item, ReportText):
        return item
    return () if _is_too_long(item) else made.sections(item.text, item.sections)


def _is_too_long(item: Item) -> bool:
    return isinstance(item, ReportText) and len(item.text) > LONGEST


def _serve(model: str, socket: Connection, sources: Sources) -> None:
    """A worker's life: mine share after share until the starter is gone."""
    made: Miner | str
    try:
        made = miner.load(model, sources)
    except NlpError as error:
        made = str(error)
    while True:
        share, policy = socket.recv()
        socket.send(made if isinstance(made, str) else mine_share(made, share, policy))


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # whoever started it ends it
    os.nice(NICE)
    with suppress(EOFError, OSError):
        folders = Sources(lexicon=Path(sys.argv[3]), rules=Path(sys.argv[4]))
        _serve(sys.argv[1], Connection(int(sys.argv[2])), folders)

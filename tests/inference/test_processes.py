"""Work in processes of their own."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from inference import processes
from inference.errors import ProcessError
from inference.processes import Lost, Processes, in_order
from tests.inference import tasks


@pytest.fixture
def made() -> Iterator[Processes[int, int]]:
    with Processes(tasks.half, 2) as pool:
        yield pool


def test_answers_come_in_the_order_of_the_items(made) -> None:
    """Whichever process is first."""
    items = list(range(0, 40, 2))

    assert list(in_order(map(made.submit, items), ahead=4)) == list(range(20))


def test_an_item_that_kills_its_process_costs_itself(made) -> None:
    """An odd number ends the process at once; the numbers before and after it are halved."""
    assert list(in_order(map(made.submit, [2, 4, 5, 6, 7, 8]), ahead=3)) == [
        1,
        2,
        Lost(why="died"),
        3,
        Lost(why="died"),
        4,
    ]


def test_what_a_function_does_not_expect_costs_the_item(made) -> None:
    """An exception is no answer: its process dies of it."""
    assert list(in_order(map(made.submit, [2, "no number", 4]), ahead=3)) == [1, Lost(why="died"), 2]


def test_an_item_that_takes_too_long_is_lost(made, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that hangs is ended, and another goes on."""
    assert made.submit(2).result() == 1  # begun
    monkeypatch.setattr(processes, "ITEM_S", 0.2)

    hung = made.submit(-1).result()

    monkeypatch.undo()
    assert hung == Lost(why="took longer than 0 seconds", late=True)
    assert made.submit(4).result() == 2


def test_only_so_many_are_drawn_ahead() -> None:
    """What waits is bounded, however long the list is."""
    drawn = []

    def futures() -> Iterator[Future[int]]:
        for number in range(100):
            drawn.append(number)
            future: Future[int] = Future()
            future.set_result(number)
            yield future

    results = in_order(futures(), ahead=5)
    first = next(results)
    results.close()

    assert first == 0
    assert len(drawn) == 6


def test_closing_ends_the_processes() -> None:
    """At once, and with work under way: nothing is left running."""
    with Processes(tasks.process_id, 1) as pool:
        number = pool.submit(None).result()
        assert isinstance(number, int)
        os.kill(number, signal.SIGINT)  # as a terminal sends it to all; it is for the starter
        assert pool.submit(None).result() == number
        under_way = pool.submit(60)

    assert isinstance(under_way.result(), Lost)
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_processes_end_with_their_starter() -> None:
    """However that ends: here it is killed."""
    with Processes(tasks.starter, 1) as pool:
        number = pool.submit(None).result()

    assert isinstance(number, int)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and tasks.is_alive(number):
        time.sleep(0.01)
    assert not tasks.is_alive(number)


def test_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is no fault of the item's: it is said in one sentence."""
    monkeypatch.setattr("sys.executable", "/bin/false")

    with Processes(tasks.half, 1) as pool, pytest.raises(ProcessError, match="no process that decodes"):
        pool.submit(2).result()

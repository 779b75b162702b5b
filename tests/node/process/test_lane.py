"""Lanes: places for one kind of work, and no wake-up that is lost."""

import threading

import pytest

from node.process.lane import Lane


def test_all_that_waits_is_run_by_whoever_comes():
    """One call runs everything there is."""
    left = [1, 2, 3]

    Lane(1).drain(lambda: bool(left) and left.pop() is not None)

    assert left == []


def test_who_finds_the_places_taken_leaves_and_its_work_is_done():
    """A caller never waits in a full lane, and what it came for is run by the one inside."""
    lane = Lane(1)
    inside, go_on = threading.Event(), threading.Event()
    work, done = ["first"], []

    def run_one() -> bool:
        if not work:
            return False
        done.append(work.pop())
        if done == ["first"]:
            inside.set()
            assert go_on.wait(20)
        return True

    thread = threading.Thread(target=lane.drain, args=(run_one,))
    thread.start()
    assert inside.wait(20)
    work.append("second")
    lane.drain(run_one)  # returns at once
    before = list(done)
    go_on.set()
    thread.join(20)

    assert (before, done) == (["first"], ["first", "second"])


def test_a_call_during_the_last_look_is_not_lost():
    """Whoever announces between the look that found nothing and the place given up is heard."""
    lane = Lane(1)
    looks: list[bool] = []

    def run_one() -> bool:
        looks.append(True)
        if len(looks) == 1:
            lane.drain(run_one)  # another thread would do the same in this moment
        return False

    lane.drain(run_one)

    assert len(looks) == 2


def test_a_place_is_free_again_after_a_fault():
    """An exception does not fill a lane for ever."""
    lane = Lane(1)

    def fault() -> bool:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        lane.drain(fault)
    ran = []
    lane.drain(lambda: bool(ran.append(True)))

    assert ran == [True]


def test_no_place_runs_nothing():
    """A worker that is told to send nothing sends nothing."""
    ran = []

    Lane(0).drain(lambda: bool(ran.append(True)))

    assert ran == []

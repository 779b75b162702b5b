"""File descriptors: the limit is raised as far as it may be, and said where that is not enough."""

import resource
import socket
from collections.abc import Iterator

import pytest

from node.process import descriptors


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    """The limits of this process, as they were and will be."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_limit_is_raised_to_what_is_wanted(limits: tuple[int, int], caplog: pytest.LogCaptureFixture):
    """A node that was started with room for 256 gets room for 300, and never less than it had."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))

    for wanted in (300, 200):
        descriptors.provide(wanted)

    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 300
    assert caplog.text == ""


def test_limit_that_the_system_sets_is_said(
    limits: tuple[int, int], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    """Where the system allows less than the settings need, the log says what to change."""
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (256, 256))

    descriptors.provide(300)

    assert "raise LimitNOFILE or lower dicom.max_associations" in caplog.text


def test_connection_stays_where_it_is_without_high_numbers(limits: tuple[int, int]):
    """Where there are no high numbers a connection keeps its own and works."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors.LOW, limits[1]))
    ours, theirs = socket.socketpair()

    with descriptors.leave_low(ours) as kept, theirs:
        kept.sendall(b"x")

        assert theirs.recv(1) == b"x"
        assert kept is ours

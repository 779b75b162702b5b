"""MLLP framing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from node.hl7.framing import Deframer, Fault, frame

LIMIT = 50


def events(*chunks: bytes, limit: int = LIMIT) -> list[bytes | Fault]:
    """What comes out of a connection that reads these chunks."""
    deframer = Deframer(limit)
    return [event for chunk in chunks for event in deframer.feed(chunk)]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=LIMIT).filter(lambda c: b"\x0b" not in c and b"\x1c" not in c)), st.data())
def test_frames_survive_any_cut(contents: list[bytes], data: st.DataObject) -> None:
    """However the network cuts the bytes, the same frames come out."""
    stream = b"".join(frame(content) for content in contents)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    assert events(*chunks) == contents


@settings(deadline=None)
@given(st.lists(st.binary(max_size=3 * LIMIT), max_size=8))
def test_a_frame_is_read_after_any_noise(noise: list[bytes]) -> None:
    """A start block resynchronises, whatever came before it."""
    assert events(*noise, frame(b"MSH"))[-1] == b"MSH"


@settings(deadline=None)
@given(st.lists(st.binary(max_size=3 * LIMIT), max_size=20))
def test_memory_is_bounded(chunks: list[bytes]) -> None:
    """No stream makes a connection hold more than a frame's limit."""
    deframer = Deframer(LIMIT)
    for chunk in chunks:
        list(deframer.feed(chunk))

        assert len(deframer._buffer) <= LIMIT + 1


def test_two_frames_in_one_read_are_two() -> None:
    """And line ends between frames are nothing."""
    assert events(frame(b"one") + b"\r\n" + frame(b"two")) == [b"one", b"two"]


def test_a_start_block_begins_a_frame_anew() -> None:
    """A sender that was cut off and sends again is understood."""
    assert events(b"\x0bMSH|half", frame(b"whole")) == [b"whole"]


def test_an_end_without_a_start_is_answered() -> None:
    """A message without its start block is not met with silence."""
    assert events(b"MSH|^~\\&|\r\x1c\r") == [Fault.NOISE]


def test_noise_without_an_end_is_known() -> None:
    """So that it can be answered when nothing more comes."""
    deframer = Deframer(LIMIT)

    assert list(deframer.feed(b"MSH|^~\\&|\r")) == []
    assert deframer.noisy


def test_blank_noise_is_nothing() -> None:
    """A line end after the end block is what some senders send."""
    deframer = Deframer(LIMIT)

    assert list(deframer.feed(frame(b"one") + b"\r\n")) == [b"one"]
    assert not deframer.noisy


def test_a_frame_above_the_limit_is_answered_once() -> None:
    """What follows of it is dropped; the next frame is read."""
    big = b"x" * (LIMIT + 1)

    assert events(b"\x0b" + big, big, big + b"\x1c\r", frame(b"next")) == [Fault.TOO_LARGE, b"next"]
    assert events(frame(big), frame(b"next")) == [Fault.TOO_LARGE, b"next"]


def test_endless_noise_is_answered_once() -> None:
    """Not once a read."""
    assert events(*[b"x" * LIMIT] * 10) == [Fault.TOO_LARGE]


def test_a_frame_of_the_limit_is_taken() -> None:
    """The limit is what may still come."""
    assert events(frame(b"x" * LIMIT)) == [b"x" * LIMIT]


def test_an_end_block_needs_its_carriage_return() -> None:
    """A lone 0x1C is content."""
    assert events(b"\x0ba\x1c", b"b\x1c", b"\r") == [b"a\x1cb"]

"""Character sets by their names in MSH-18."""

import pytest

from node.hl7 import charset
from node.hl7.errors import MalformedMessageError


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["UNICODE UTF-8"], "Lungenödem - beidseits 肺"),
        (["8859/1"], "Lungenödem"),
        (["8859/2"], "Płuca"),
        (["8859/5"], "Лёгкие"),
        (["8859/15"], "Œdème €"),
        (["ISO IR 100"], "Lungenödem"),
        (["ISO_IR 192"], "肺"),
        (["GB 18030-2000"], "肺部清晰"),
        (["BIG-5"], "肺部清晰"),
        (["KS X 1001"], "폐"),
        (["", "ISO IR87"], "胸部"),
        (["ASCII", "ISO IR87"], "胸部"),
        (["windows-1252"], "“clear”"),
    ],
)
def test_named_set_is_read(names: list[str], text: str) -> None:
    """The names of table 0211, and other ways in which senders write them."""
    codec = charset.codec(names)

    assert codec is not None
    assert charset.decode(text.encode(codec), codec) == (text, codec)


@pytest.mark.parametrize("sent", [b"effusion \xc3\xa9", b"effusion \xe9", b"effusion"])
def test_undeclared_text_is_read_as_what_fits(sent: bytes) -> None:
    """Without MSH-18, or with ASCII, UTF-8 and Western European text are still understood."""
    for names in ([], [""], ["ASCII"]):
        text, _ = charset.decode(sent, charset.codec(names))

        assert text.rstrip("é ") == "effusion"


@pytest.mark.parametrize("names", [["KLINGON"], ["UNICODE UTF-16"], ["8859/1", "8859/5"], ["8859/12"]])
def test_unknown_set_is_refused(names: list[str]) -> None:
    """Nothing is guessed where the sender names a set."""
    with pytest.raises(MalformedMessageError):
        charset.codec(names)


def test_bytes_outside_the_named_set_are_refused() -> None:
    """A message that is not in the set it names is not stored half read."""
    with pytest.raises(MalformedMessageError):
        charset.decode(b"\xff\xfe", "utf-8")

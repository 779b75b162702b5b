"""Escape sequences of HL7 text."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from node.hl7.escape import STANDARD, Delimiters, escape, unescape

PUNCTUATION = "".join(chr(code) for code in range(0x21, 0x7F) if not chr(code).isalnum())
DELIMITERS = st.permutations(PUNCTUATION).map(
    lambda some: Delimiters(field=some[0], component=some[1], repetition=some[2], escape=some[3], subcomponent=some[4])
)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])), DELIMITERS)
def test_what_is_escaped_comes_back(text: str, delimiters: Delimiters) -> None:
    """Whatever the text and the delimiters, escaping loses nothing."""
    assert unescape(escape(text, delimiters), delimiters) == text


@settings(deadline=None)
@given(st.text(), DELIMITERS)
@example("\n", Delimiters(field=".", component='"', repetition="#", escape="$", subcomponent="%"))
def test_escaped_text_holds_no_delimiter(text: str, delimiters: Delimiters) -> None:
    """No escaped text can break a message apart."""
    d = delimiters

    escaped = escape(text, delimiters)

    assert not set(escaped) & {d.field, d.component, d.repetition, d.subcomponent, "\r", "\n", "\x0b", "\x1c"}


@settings(deadline=None)
@given(st.text(alphabet="\\.FSTREXbrsp0129AF~^&|-+ ", max_size=40))
def test_unescaping_never_fails(text: str) -> None:
    """Broken sequences are text."""
    unescape(text, STANDARD)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (r"A\F\B\S\C\T\D\R\E\E\F", "A|B^C&D~E\\F"),
        (r"one\.br\two\.BR\three", "one\ntwo\nthree"),
        (r"one\.sp2\two", "one\n\ntwo"),
        (r"one\.sp+3\two", "one\n\n\ntwo"),
        (r"one\.sk 4\two", "one    two"),
        (r"\.in+4\\.ti-2\text\.fi\\.nf\ ", "text "),
        (r"\H\loud\N\ soft", "loud soft"),
        (r"\X48414C4C4F\!", "HALLO!"),
        (r"\XC3A9\t\XC3A9\ ", "été "),
        (r"\E\F\E\ ", "\\F\\ "),
        (r"C:\path\file", r"C:\path\file"),
        (r"C:\x\F\y", r"C:\x|y"),
        (r"a \ b", r"a \ b"),
        (r"\X4\\X4G\ ", r"\X4\\X4G\ "),
        (r"\C2842\\M242A33\text", "text"),
        (r"\.sp99999\ ", "\\.sp99999\\ "),
        (r"5\P\5", "5#5"),
    ],
)
def test_sequence_by_sequence(sent: str, meant: str) -> None:
    """Each sequence of the standard, and what only looks like one."""
    assert unescape(sent, STANDARD) == meant


def test_a_formatting_command_makes_no_flood() -> None:
    """A few bytes cannot ask for a page of blank lines."""
    assert len(unescape(r"\.sp9999\ ", STANDARD)) <= 100

"""Fuzzing: what a target does with bytes that nobody meant to send.

A target is a module with `seeds` and `check`, a function of bytes that raises if they do what they should not. What was
found worth keeping is in `corpus/`; `test_fuzz.py` tries it, and mutations that hypothesis chooses, with every run of
the tests.
"""

import random
from functools import cache
from pathlib import Path
from types import ModuleType

TARGETS = ("pdu", "header", "image", "hl7", "settings", "card")
CORPUS = Path(__file__).with_name("corpus")
MAX_BYTES = 16 * 1024


def corpus(name: str) -> list[bytes]:
    """The inputs of a target that were kept."""
    return [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]


@cache
def known(target: ModuleType) -> list[bytes]:
    """What is mutated: the seeds of a target and its corpus."""
    return [*target.seeds(), *corpus(target.__name__.rpartition(".")[2])]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The bytes with a few of them changed, left out, repeated or cut off."""
    whole = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(whole) + 1)
        length = min(chance.choice((1, 1, 2, 4, 16)), len(whole) - place)
        match chance.randrange(5):
            case 0:
                whole[place : place + length] = chance.randbytes(length)
            case 1:
                del whole[place : place + length]
            case 2:
                whole[place:place] = whole[place : place + length]
            case 3:
                whole[place : place + length] = chance.choice((b"\0", b"\xff", b"\x7f", b"^", b"\\")) * length
            case _:
                del whole[place + chance.randrange(len(whole) + 1) :]
    return bytes(whole[:MAX_BYTES])

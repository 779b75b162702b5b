"""Pictures for browsers: kept while there is room, and heat maps to lay over a radiograph."""

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from node.objects.tint import heat_picture
from node.pictures.shelf import PNG_END, Shelf, Size


def test_the_least_used_pictures_go_first(tmp_path: Path) -> None:
    """Room is for so many bytes; files are their owner's alone."""
    shelf = Shelf(tmp_path / "pictures", 250)
    for digest in ("a", "b"):
        shelf.put(digest, Size.FIRST, b"x" * (100 - len(PNG_END)) + PNG_END)
    for age, name in enumerate(("a-first.png", "b-first.png")):
        os.utime(tmp_path / "pictures" / name, (age, age))
    shelf.find("a", Size.FIRST)
    shelf.put("c", Size.FIRST, b"x" * (100 - len(PNG_END)) + PNG_END)

    assert [shelf.find(each, Size.FIRST) is not None for each in "abc"] == [True, False, True]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "pictures").iterdir()} == {0o600}


def test_a_picture_that_is_cut_short_is_none(tmp_path: Path) -> None:
    """As a power failure leaves it: it is made again."""
    shelf = Shelf(tmp_path, 100)
    shelf.put("a", Size.FULL, b"\x89PNG cut")

    assert shelf.find("a", Size.FULL) is None


def test_heat_is_clear_where_it_is_weak() -> None:
    """And opaque where it is most, in the radiograph's shape."""
    picture = Image.open(io.BytesIO(heat_picture(np.eye(2, dtype=np.float32), 40, 80))).convert("RGBA")
    pixels = np.asarray(picture)

    assert picture.size == (80, 40)
    assert (pixels[0, 0, 3], pixels[0, -1, 3]) == (255, 0)

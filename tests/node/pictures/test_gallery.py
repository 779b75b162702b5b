"""Pictures of what is in the store: in two sizes, kept, and gone with their files."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from db import results, studies
from db.engine import Database
from db.records import Absence, StoredInstance
from db.schema import instance
from db.vocabulary import Reason
from inference.errors import NotReadable
from inference.isolation import Isolated
from node.demonstration import phantom
from node.files import Folder
from node.pictures.gallery import FIRST_SIDE, Gallery
from node.pictures.shelf import PNG_END, Shelf, Size
from tests.db.rows import NOW, arrival, prediction, record, score
from tests.stored import put

ROWS, COLUMNS = 1500, 64
DENSEST = 4095


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A radiograph in a store, its row, and who makes pictures of it."""

    gallery: Gallery
    database: Database
    path: Path

    @property
    def image(self) -> StoredInstance:
        """Its row as it is now."""
        with self.database.read() as connection:
            (found,) = studies.instances(connection)
        return found

    def picture(self, size: Size) -> npt.NDArray[np.uint8]:
        """Its grey levels, (rows, columns)."""
        return np.asarray(Image.open(io.BytesIO(self.gallery.radiograph(self.image, size))))


@pytest.fixture
def shown(sqlite_database: Database, tmp_path: Path) -> Iterator[Shown]:
    """A high and narrow radiograph whose every row has a stored value of its own, the densest last."""
    store = Folder(tmp_path / "store")
    ds = phantom.dataset(rows=64, columns=64)
    ramp = np.linspace(0, DENSEST, ROWS).round().astype("<u2")
    ds.Rows, ds.Columns, ds.PixelData = ROWS, COLUMNS, np.repeat(ramp, COLUMNS).tobytes()
    with sqlite_database.write() as connection:
        new = put(store, ds, arrival())
        record(connection, new)
    gallery = Gallery(
        store=store,
        database=sqlite_database,
        images=Isolated(1),
        shelf=Shelf(tmp_path / "pictures", 1 << 20),
        max_pixels=ROWS * COLUMNS,
        now=lambda: NOW,
    )
    yield Shown(gallery=gallery, database=sqlite_database, path=store.path(new.path))
    gallery.stop()
    store.close()


def test_the_first_picture_is_for_a_screen_and_the_full_one_has_every_pixel(shown: Shown) -> None:
    """In the header's window, 8 bits: the lightest is 0, the densest 255."""
    first, full = shown.picture(Size.FIRST), shown.picture(Size.FULL)

    assert first.shape == (FIRST_SIDE, 55)  # 64 * 1280 / 1500
    assert full.shape == (ROWS, COLUMNS)
    assert (full[0, 0], full[-1, 0]) == (0, 255)
    assert abs(int(full[ROWS // 2, 0]) - 128) <= 1
    assert (np.diff(full[:, 0].astype(int)) >= 0).all()


def test_a_picture_is_made_once(shown: Shown) -> None:
    """What is on the shelf is not made again; each size is kept by itself."""
    shown.gallery.radiograph(shown.image, Size.FIRST)
    shown.gallery.shelf.put(shown.image.sha256, Size.FIRST, b"kept" + PNG_END)

    assert shown.gallery.radiograph(shown.image, Size.FIRST) == b"kept" + PNG_END
    assert shown.picture(Size.FULL).shape == (ROWS, COLUMNS)


def test_a_damaged_file_has_no_picture(shown: Shown) -> None:
    """It is hashed as it is decoded for, set aside, and its row says so."""
    data = bytearray(shown.path.read_bytes())
    data[-1] ^= 1
    shown.path.chmod(0o600)
    shown.path.write_bytes(data)

    with pytest.raises(NotReadable) as refused:
        shown.gallery.radiograph(shown.image, Size.FIRST)

    assert refused.value.reason is Reason.DAMAGED
    assert shown.image.absence is Absence.DAMAGED
    assert not shown.path.exists()


@pytest.mark.parametrize(
    ("absence", "reason"),
    [(Absence.REMOVED, Reason.REMOVED), (Absence.MISSING, Reason.DAMAGED), (Absence.DAMAGED, Reason.DAMAGED)],
)
def test_a_picture_goes_with_its_file(shown: Shown, absence: Absence, reason: Reason) -> None:
    """However lately it was made: what may not be kept any longer is not shown any longer."""
    shown.gallery.radiograph(shown.image, Size.FIRST)
    with shown.database.write() as connection:
        connection.execute(instance.update().values(absence=absence, absent_at=NOW))

    with pytest.raises(NotReadable) as refused:
        shown.gallery.radiograph(shown.image, Size.FIRST)

    assert refused.value.reason is reason
    assert shown.gallery.shelf.find(shown.image.sha256, Size.FIRST) is None


def test_a_heat_map_is_of_a_model_and_a_finding(shown: Shown) -> None:
    """Of the radiograph's shape, opaque where the map is highest; of no other model and no other finding."""
    cam = np.array([[0, 0], [0, 8]], dtype="<f4")
    of = {"rows": ROWS, "columns": COLUMNS, "cam": cam.tobytes(), "cam_shape": (1, 2, 2)}
    made = prediction(shown.image.id, scores=[score(0.9)], **of)
    with shown.database.write() as connection:
        results.add_prediction(connection, made, NOW)
    data = shown.gallery.heat(shown.image.id, "m1", "Mass")
    assert data is not None
    picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))

    assert picture.shape == (512, 22, 4)  # 64 * 512 / 1500
    assert (picture[0, 0, 3], picture[-1, -1, 3]) == (0, 255)
    assert shown.gallery.heat(shown.image.id, "m1", "Nodule") is None
    assert shown.gallery.heat(shown.image.id, "m2", "Mass") is None

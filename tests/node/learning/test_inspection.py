"""Headers that nobody has looked at are looked at once."""

from pathlib import Path

from db import frontals, studies
from db.engine import Database
from inference.policy import Policy
from node.files import Folder
from node.learning import inspection
from node.objects import encoding
from tests.db.rows import NOW, arrival
from tests.nodes import chest


def test_images_from_before_are_looked_at_once(sqlite_database: Database, tmp_path: Path) -> None:
    """A frontal image gets its row, a lateral one its reason, and a file that is gone is looked for again."""
    store = Folder(tmp_path / "store")
    names = []
    for view in ("AP", "LL"):
        part = store.begin()
        part.write(encoding.encode(chest(ViewPosition=view)))
        names.append(part.commit())
        part.discard()
    with sqlite_database.write() as connection:
        for number, name in enumerate((*names, "gone.dcm"), 1):
            studies.record_arrival(connection, arrival(number, path=name), settle_at=NOW)
    batches: list[int] = []

    missing = inspection.look(sqlite_database, store, Policy(), batches.append)
    again = inspection.look(sqlite_database, store, Policy(), batches.append)

    with sqlite_database.read() as connection:
        assert [image.view for image in frontals.images(connection)] == ["AP"]
        assert [each.reason for each in studies.instances(connection)] == [None, "not_frontal", None]
    assert (missing, again) == (1, 1)
    assert batches == [3, 1]
    store.close()

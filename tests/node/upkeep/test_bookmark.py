"""How far a verification came."""

from db.engine import connect
from db.records import Holding
from node.upkeep import bookmark
from node.upkeep.bookmark import Bookmark
from tests.db.rows import NOW, later

PLACE = Bookmark(one_in=1, began_at=NOW, kind=Holding.RESULT, after=7, checked=12, size=3000, returned=1)


def test_place_is_found_again_by_one_like_it(migrated_url: str):
    """The last one noted; a sample of one file in ten has another place, and one that has ended has none."""
    database = connect(migrated_url)
    with database.write() as connection:
        bookmark.put(connection, PLACE, later(1))
        bookmark.put(connection, PLACE, later(2))

    with database.write() as connection:
        found, other = bookmark.find(connection, 1), bookmark.find(connection, 10)
        bookmark.take_out(connection)
        afterwards = bookmark.find(connection, 1)

    database.close()
    assert (found, other, afterwards) == (PLACE, None, None)


def test_place_among_results_is_behind_all_images():
    """Images first, then results."""
    assert PLACE.passed == [(Holding.INSTANCE, None), (Holding.RESULT, 7)]
    assert PLACE.ahead == [Holding.RESULT]

"""The registry of models: one reads, on both databases."""

import pytest

from db import models
from db.engine import Connection, Database
from db.errors import ModelStateError, UnknownModelError
from db.learning_records import ModelState
from tests.db.races import race
from tests.db.rows import NOW, later


def register(connection: Connection, version: str, path: str = "p") -> None:
    """A candidate."""
    models.register(connection, name="starter", version=version, path=path, card={"auc": 0.7}, now=NOW)


def states(connection: Connection) -> dict[str, str]:
    """Each version's state."""
    return {model.version: model.state for model in models.every(connection)}


def test_registered_model_is_a_candidate(database: Database):
    """A new model reads nothing until a person promotes it."""
    with database.write() as connection:
        register(connection, "1")

        model = models.find(connection, "1")
        assert models.current(connection) is None
    assert model is not None
    assert (model.state, model.card, model.promoted_at) == (ModelState.CANDIDATE, {"auc": 0.7}, None)


def test_known_version_stays_as_it_is(database: Database):
    """To register a version again changes nothing."""
    with database.write() as connection:
        register(connection, "1", path="first")
        register(connection, "1", path="second")

        assert [model.path for model in models.every(connection)] == ["first"]


def test_promotion_retires_the_model_before(database: Database):
    """One model reads; the one before it is kept as retired, and the entry says who decided."""
    with database.write() as connection:
        register(connection, "1")
        register(connection, "2")
        models.promote(connection, "1", by="a", now=NOW)

        models.promote(connection, "2", by="b", now=later(1))

        current = models.current(connection)
        assert states(connection) == {"1": ModelState.RETIRED, "2": ModelState.CURRENT}
    assert current is not None
    assert (current.version, current.promoted_by, current.promoted_at) == ("2", "b", later(1))


def test_retired_model_can_be_promoted_again(database: Database):
    """A bad model is taken back by promoting the one before it."""
    with database.write() as connection:
        for version in ("1", "2", "1"):
            register(connection, version)
            models.promote(connection, version, by="a", now=NOW)

        assert states(connection) == {"1": ModelState.CURRENT, "2": ModelState.RETIRED}


def test_unknown_version_is_not_promoted(database: Database):
    """A mistyped version leaves the model in service where it is."""
    with database.write() as connection:
        register(connection, "1")
        models.promote(connection, "1", by="a", now=NOW)

    with pytest.raises(UnknownModelError, match="no model has the version '2'"), database.write() as connection:
        models.promote(connection, "2", by="a", now=NOW)

    with database.read() as connection:
        assert states(connection) == {"1": ModelState.CURRENT}


def test_promotions_at_once_leave_one_current_model(database: Database):
    """Two persons who promote different models at the same moment do not put both into service."""
    with database.write() as connection:
        for number in range(6):
            register(connection, str(number))

    def promote(number: int) -> None:
        with database.write() as connection:
            models.promote(connection, str(number), by="a", now=NOW)

    race(6, promote)

    with database.read() as connection:
        assert list(states(connection).values()).count(ModelState.CURRENT) == 1


def test_model_registered_at_once_by_several_nodes_is_there_once(database: Database):
    """Nodes that start together on an empty registry enter the shipped model once."""

    def start(_number: int) -> None:
        with database.write() as connection:
            register(connection, "1")

    race(6, start)

    with database.read() as connection:
        assert states(connection) == {"1": ModelState.CANDIDATE}


def promoted(connection: Connection, *versions: str) -> None:
    """Models that were promoted one after the other."""
    for number, version in enumerate(versions):
        register(connection, version)
        models.promote(connection, version, by="a", now=later(number))


def before(connection: Connection) -> str | None:
    """The version a rollback goes to."""
    model = models.previous(connection)
    return model.version if model else None


def test_rollbacks_go_back_one_promotion_each(database: Database):
    """The model that read before reads again; once more goes further back, and never to one that was taken back."""
    with database.write() as connection:
        promoted(connection, "1", "2", "3")

        models.roll_back(connection, "2", by="b", now=later(10))
        first = states(connection)
        models.roll_back(connection, "1", by="b", now=later(11))

        assert first == {"1": ModelState.RETIRED, "2": ModelState.CURRENT, "3": ModelState.CANDIDATE}
        assert states(connection) == {"1": ModelState.CURRENT, "2": ModelState.CANDIDATE, "3": ModelState.CANDIDATE}
        assert before(connection) is None


def test_rollback_follows_the_order_of_promotion(database: Database):
    """A model that was promoted a second time is preceded by the one that it replaced then."""
    with database.write() as connection:
        promoted(connection, "1", "2", "1")

        assert before(connection) == "2"


def test_rollback_to_another_model_than_the_one_before_is_refused(database: Database):
    """Two rollbacks at once take back one promotion, not two."""
    with database.write() as connection:
        promoted(connection, "1", "2", "3")

    with pytest.raises(ModelStateError), database.write() as connection:
        models.roll_back(connection, "1", by="b", now=later(10))


def test_promotion_over_another_model_than_the_one_compared_with_is_refused(database: Database):
    """What a person saw beside the candidate is what it replaces."""
    with database.write() as connection:
        promoted(connection, "1", "2")
        models.require_current(connection, "2")

        for other in ("1", None):
            with pytest.raises(ModelStateError, match="begin again"):
                models.require_current(connection, other)


def test_shadow_is_one_and_never_the_current_model(database: Database):
    """A new shadow takes the place of the one before, which is what it was."""
    with database.write() as connection:
        promoted(connection, "1", "2")
        register(connection, "3")

        models.cast_shadow(connection, "3")
        models.cast_shadow(connection, "1")

        shadow = models.shadow(connection)
        assert shadow is not None
        assert shadow.version == "1"
        assert states(connection) == {"1": ModelState.SHADOW, "2": ModelState.CURRENT, "3": ModelState.CANDIDATE}
        with pytest.raises(ModelStateError, match="is the model that reads"):
            models.cast_shadow(connection, "2")
        with pytest.raises(UnknownModelError):
            models.cast_shadow(connection, "4")


def test_shadow_that_ends_is_what_it_was(database: Database):
    """A candidate is one again, a retired model too; and a rollback goes back to a shadow as to any other."""
    with database.write() as connection:
        promoted(connection, "1", "2")
        models.cast_shadow(connection, "1")

        assert before(connection) == "1"
        assert models.end_shadow(connection) == "1"
        assert states(connection) == {"1": ModelState.RETIRED, "2": ModelState.CURRENT}
        assert models.end_shadow(connection) is None


def test_shadow_that_is_promoted_is_no_shadow(database: Database):
    """After its promotion it reads, and nothing reads in its shadow."""
    with database.write() as connection:
        promoted(connection, "1")
        register(connection, "2")
        models.cast_shadow(connection, "2")
        models.promote(connection, "2", by="a", now=later(5))

        assert models.shadow(connection) is None
        assert states(connection) == {"1": ModelState.RETIRED, "2": ModelState.CURRENT}

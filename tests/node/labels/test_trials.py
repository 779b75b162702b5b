"""A changed file of the lexicon or the rules, tried on stored reports."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from db import audit, lexicon_trials, minings
from db.engine import Database
from db.errors import DatabaseUnavailableError
from db.lexicon_trials import SILENT, LexiconTrial
from db.report_records import ReportText
from nlp import candidate, miner, parser
from nlp.aggregate import MinedReport, Policy
from nlp.datafiles import Sources
from nlp.errors import WorkerLostError
from nlp.miner import Miner
from node.errors import SettingsError
from node.labels import trials as module
from node.labels.trials import Trials
from tests.db.label_rows import add_report
from tests.db.test_minings import EFFUSION, reading

FILE = "rules/negation.toml"
TEXTS = ("No effusion.", "Effusion.", "No pneumothorax.")


class InOneProcess:
    """Mines in the test's own process, with the language model that every test shares."""

    def __init__(self, made: Miner) -> None:
        self.made, self.closed = made, False
        self.wait = threading.Event()
        self.wait.set()

    def mine(self, reports: Iterable[ReportText], policy: Policy) -> Iterator[MinedReport]:
        """One after the other, as soon as the test lets it."""
        for each in reports:
            assert self.wait.wait(20)
            yield self.made.mine(self.made.sections(each.text), policy)

    def close(self) -> None:
        """Remember it."""
        self.closed = True


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    """Three reports, mined by an older miner to an effusion each."""
    with sqlite_database.write() as connection:
        for number, text in enumerate(TEXTS):
            add_report(connection, str(number), text=text)
        minings.record(connection, [reading(each, replace(EFFUSION, sentence="Jane.")) for each in (1, 2, 3)])
    return sqlite_database


def trials_with(database: Database, miners: list[InOneProcess]) -> Trials:
    """What tries, each time with a new miner that is put into the list."""

    def opened(sources: Sources) -> InOneProcess:
        miners.append(InOneProcess(miner.load(parser.MODEL, sources)))
        return miners[-1]

    return Trials(
        database=database,
        miners=opened,
        language_model=parser.MODEL,
        policy=Policy.CODED,
        now=lambda: datetime.now(UTC),
    )


def found(database: Database, trial: LexiconTrial) -> LexiconTrial:
    """The trial as it is now."""
    with database.read() as connection:
        now = lexicon_trials.find(connection, trial.id)
    assert now is not None
    return now


def test_a_trial_says_which_labels_would_change(database: Database):
    """Reports 1 and 3 have no effusion; nothing is mined again, no sentence is kept, and it is audited."""
    miners: list[InOneProcess] = []
    trials = trials_with(database, miners)

    begun = trials.begin("lexicon/findings.toml", candidate.shipped("lexicon/findings.toml") + "# mine\n", "anna")
    trials.join()
    ended = found(database, begun)

    assert ended.outcome is not None
    assert (ended.done, ended.total, ended.error) == (3, 3, None)
    assert (ended.outcome["compared"], ended.outcome["changed"]) == (3, 2)
    assert {"finding": "Effusion", "old": "positive", "new": "negative", "reports": 1} in ended.outcome["counts"]
    assert "Jane" not in str(ended.outcome)
    assert miners[0].closed
    with database.read() as connection:
        assert {each.lexicon_version for each in [minings.current(connection, [1])[1].miner]} == {"lex1"}
        assert [(each.actor, each.action) for each in audit.newest(connection, 1)] == [("anna", "lexicon.try")]


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("rules/none.toml", "", "there is no such file"),
        ("../../etc/passwd", "", "there is no such file"),
        (FILE, candidate.shipped(FILE).replace("\n", "\r\n"), "it is the file in force"),
        (FILE, "[[surface]]\nid = 1", "negation.toml"),
        (FILE, "not TOML", "negation.toml"),
    ],
)
def test_a_file_that_cannot_be_tried_is_refused(database: Database, file: str, content: str, sentence: str):
    """With what is wrong; no trial begins."""
    with pytest.raises(SettingsError, match=sentence):
        trials_with(database, []).begin(file, content, "anna")

    with database.read() as connection:
        assert lexicon_trials.newest(connection, 10) == []


def test_one_trial_runs_at_a_time_and_can_be_stopped(
    database: Database, loaded_miner: Miner, monkeypatch: pytest.MonkeyPatch
):
    """A second is refused while the first waits; stopped, it ends without an outcome, and the next may begin."""
    monkeypatch.setattr(module, "AT_ONCE", 1)
    made = InOneProcess(loaded_miner)
    made.wait.clear()
    trials = replace(trials_with(database, []), miners=lambda _sources: made)
    begun = trials.begin(FILE, candidate.shipped(FILE) + "# mine\n", "anna")
    with pytest.raises(SettingsError, match="another trial is under way"):
        trials.begin(FILE, candidate.shipped(FILE) + "# another\n", "ben")

    with database.write() as connection:
        stopped = [lexicon_trials.stop(connection, begun.id, "ben", trials.now()) for _ in range(2)]
    made.wait.set()
    trials.join()
    ended = found(database, begun)

    assert stopped == [True, False]
    assert (ended.error, ended.outcome, ended.done) == ("ben stopped it.", None, 0)
    assert made.closed
    trials.begin(FILE, candidate.shipped(FILE) + "# another\n", "ben")
    trials.join()


def test_a_miner_that_dies_ends_the_trial_in_words(database: Database, loaded_miner: Miner):
    """The node goes on."""

    class Dying(InOneProcess):
        def mine(self, reports: Iterable[ReportText], policy: Policy) -> Iterator[MinedReport]:
            raise WorkerLostError("a process that mines reports ended while it worked (-9)")

    made = Dying(loaded_miner)
    trials = replace(trials_with(database, []), miners=lambda _sources: made)
    begun = trials.begin(FILE, candidate.shipped(FILE) + "# mine\n", "anna")
    trials.join()

    assert found(database, begun).error == "a process that mines reports ended while it worked (-9)."


def test_a_trial_ends_with_its_database(database: Database, loaded_miner: Miner, monkeypatch: pytest.MonkeyPatch):
    """It is broken off, without a fault in its thread; nobody waits for it longer than for one that was killed."""

    def refuse(*_: object) -> None:
        raise DatabaseUnavailableError("the database does not answer")

    made = InOneProcess(loaded_miner)
    trials = replace(trials_with(database, []), miners=lambda _sources: made)
    monkeypatch.setattr(lexicon_trials, "go_on", refuse)
    begun = trials.begin(FILE, candidate.shipped(FILE) + "# mine\n", "anna")
    trials.join()
    left = found(database, begun)

    assert (left.ended_at, left.error, left.done) == (None, None, 0)
    assert not left.runs(trials.now() + SILENT)


def test_a_trial_whose_process_was_killed_keeps_nobody_waiting(database: Database):
    """After two minutes of silence it counts as ended."""
    now = datetime.now(UTC)
    with database.write() as connection:
        values = {"file": FILE, "content": "", "total": 3, "actor": "anna"}
        first = lexicon_trials.begin(connection, now=now, **values)
        second = lexicon_trials.begin(connection, now=now + SILENT / 2, **values)
        third = lexicon_trials.begin(connection, now=now + SILENT, **values)

    assert first is not None
    assert (second, third is None) == (None, False)
    assert not first.runs(now + SILENT)

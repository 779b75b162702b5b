"""Mining in other processes: order, what no text may do, and the ends of processes."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from db.report_records import ReportSection, ReportText
from nlp import miner as module
from nlp import workers
from nlp.aggregate import MinedReport, Policy, states
from nlp.errors import MinerUnusableError, ModelMissingError, ParserMissingError, WorkerLostError
from nlp.language import Readability
from nlp.miner import Miner
from nlp.parser import MODEL
from nlp.workers import LONGEST, SHARE, Pool, mine_share


def stored(number: int, text: str) -> ReportText:
    """A stored report in one run without a suffix."""
    return ReportText(id=number, text=text, sections=(ReportSection(suffix="", start=0, end=len(text)),))


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Two processes that mine; each takes seconds to start, so the tests share them."""
    pytest.importorskip("spacy", reason="the extra `reports` is not installed")
    made = Pool(MODEL, 2)
    yield made
    made.close()


def test_reports_come_back_in_their_order_and_processes_are_kept(pool: Pool):
    """However many shares there are; the second call finds the miners loaded."""
    texts = ["Small effusion.", "No effusion.", "Possible effusion."] * SHARE
    reports = [stored(place, text) for place, text in enumerate(texts)]
    expected = {"S": "positive", "N": "negative", "P": "uncertain"}

    mined = list(pool.mine(reports, Policy.CODED))
    before = pids(pool)
    again = list(pool.mine(reports[:1], Policy.STRICT))

    assert [states(each)["Effusion"] for each in mined] == [expected[text[0]] for text in texts]
    assert (again[0].policy, pids(pool)) == (Policy.STRICT, before)
    assert list(pool.mine([], Policy.CODED)) == []


def test_process_that_is_killed_is_said_and_replaced(pool: Pool):
    """Out of memory, say: the call fails, the next one works."""
    list(pool.mine([stored(1, "Small effusion.")], Policy.CODED))
    os.kill(pids(pool)[0], signal.SIGKILL)

    with pytest.raises(WorkerLostError):
        list(pool.mine([stored(1, "Small effusion.")], Policy.CODED))

    assert len(list(pool.mine([stored(1, "Small effusion.")], Policy.CODED))) == 1


def test_call_that_is_given_up_leaves_nothing_behind(pool: Pool):
    """What was under way is not the answer to the next call."""
    first = pool.mine([stored(1, "Small effusion.")] * SHARE * 3, Policy.CODED)
    next(first)
    first.close()

    (mined,) = pool.mine([stored(2, "No effusion.")], Policy.CODED)

    assert states(mined)["Effusion"] == "negative"


def test_process_that_cannot_load_its_miner_says_why():
    """In the sentence that the command would say."""
    pytest.importorskip("spacy", reason="the extra `reports` is not installed")
    pool = Pool("no_such_model", 1)

    with pytest.raises(MinerUnusableError, match="no_such_model is not installed"):
        list(pool.mine([stored(1, "")], Policy.CODED))

    assert pids(pool) == []


@pytest.mark.parametrize(
    ("text", "readability"),
    [
        ("", Readability.EMPTY),
        ("Kein Pneumothorax, Herz nicht verbreitert.", Readability.NOT_ENGLISH),
        ("Small effusion. " + "x" * LONGEST, Readability.TOO_LONG),
    ],
)
def test_text_that_cannot_be_mined_is_a_reading_with_its_reason(text: str, readability: Readability, miner: Miner):
    """Never an exception, never Normal; the others in the share are mined."""
    found, other = mine_share(miner, [stored(1, text), stored(2, "Small effusion.")], Policy.CODED)

    assert (found.readability, found.normal, found.evidence) == (readability, False, ())
    assert (found.lexicon_version, found.rules_version) == (other.lexicon_version, other.rules_version)
    assert states(other)["Effusion"] == "positive"


def test_report_at_which_the_miner_fails_keeps_no_other_from_being_mined(miner: Miner, monkeypatch: pytest.MonkeyPatch):
    """It has a reading that says so."""
    judge = workers.miner.language.judge

    def fails_at_one(text: str, *arguments: object) -> Readability:
        if "nine" in text:
            raise ValueError
        return judge(text, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(workers.miner.language, "judge", fails_at_one)

    bad, good = mine_share(miner, [stored(1, "All nine lungs are clear."), stored(2, "Effusion.")], Policy.CODED)

    assert (bad.readability, good.readability) == (Readability.FAULT, Readability.MINED)


def test_identity_is_what_a_reading_is_kept_under(miner: Miner):
    """Known without loading the miner, and the same as that of what it mines."""
    identity = module.identity(MODEL, Policy.STRICT)

    mined: MinedReport = miner.mine([], Policy.STRICT)
    assert (identity.lexicon_version, identity.rules_version) == (mined.lexicon_version, mined.rules_version)
    assert identity.language_model.startswith(MODEL + "-")
    assert identity.policy == "strict"


@pytest.mark.parametrize("ask", [lambda: module.identity(MODEL, Policy.CODED), module.load])
def test_spacy_missing_is_one_sentence(ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch):
    """On a host that only receives; it says what to install."""
    monkeypatch.setattr("nlp.parser.util.find_spec", lambda _name: None)

    with pytest.raises(ParserMissingError, match=r"cxr-node\[reports\]"):
        ask()


def test_model_missing_and_model_in_a_folder_are_told_apart(tmp_path: Path):
    """A site's own model may lie in a folder."""
    pytest.importorskip("spacy", reason="the extra `reports` is not installed")
    (tmp_path / "meta.json").write_text("{}")

    assert module.identity(str(tmp_path), Policy.CODED).language_model == tmp_path.name
    with pytest.raises(ModelMissingError, match="no_such_model"):
        module.identity("no_such_model", Policy.CODED)


def pids(pool: Pool) -> list[int]:
    """The processes of a pool."""
    return [worker._process.pid for worker in pool._workers]

"""The database goes away while a program acts: it is told so, and what it asked for is done whole or not at all."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from shutil import copy

import pytest

from db.engine import connect
from db.tokens import Scope
from node.labels.trials import Trials
from tests.db.rows import NOW
from tests.node.console.api.conftest import STUDY, Program, a_token, fill
from tests.node.console.api.test_app import SCOPES, VALUES
from tests.node.console.browser import serving
from tests.node.console.conftest import Clock, console, no_trials, with_people
from tests.node.console.test_outage import DESTINATION, FORM, Failing, is_whole, state

ACTS = [(method, path) for method, path in SCOPES if method != "GET"]
THERE = VALUES | {"{job_id}": "1", "{version}": "m2", "{name}": DESTINATION["name"]}
BODIES = {
    "/studies/{study_instance_uid}/send": {"destination": "pacs"},
    "/studies/{study_instance_uid}/retract": {"reason": "quality"},
    "/labels/corrections": {"study_instance_uid": STUDY, "finding": "Mass", "assertion": "negative"},
    "/lexicon/trials": {"file": FORM["file"], "content": FORM["content"]},
    "/discrepancies/verdicts": {"study_instance_uid": STUDY, "finding": "Mass", "right": "model"},
    "/models/{version}/comparisons": {"snapshot": "0" * 64},
    "/models/rollback": {"seen": "m1"},
    "/models/shadow": {"version": None},
    "/trainings": {"method": "upper"},
}
"""What is sent, where something has to be."""


@pytest.fixture(scope="module")
def database(migrated_file: Path, password_hash: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Failing]:
    """One with something of each kind in it."""
    folder = tmp_path_factory.mktemp("outage")
    failing = Failing(connect(f"sqlite:///{copy(migrated_file, folder / 'cxr.db')}").engine)
    fill(with_people(failing, password_hash), folder)
    yield failing
    failing.close()


@pytest.fixture(scope="module")
def trials(database: Failing) -> Trials:
    """What tries a lexicon in a thread beside the tests: each waits for it before it looks at the rows."""
    return no_trials(database)


@pytest.fixture(scope="module")
def programs(
    database: Failing, trials: Trials, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Program]]:
    """A program for each scope."""
    data = tmp_path_factory.mktemp("data")
    with serving(console(database, data, Clock(NOW), trials=trials, destinations=[DESTINATION])) as browser:
        found = {scope: Program(browser, a_token(database, scope)) for scope in Scope}
        for program in found.values():
            program.get("/health")  # when a token was used last is noted now and then
        yield found


@pytest.mark.parametrize(("method", "path"), ACTS)
def test_an_act_is_done_whole_or_not_at_all(
    database: Failing, trials: Trials, programs: dict[str, Program], method: str, path: str
) -> None:
    """Whichever of its transactions is the first without an answer: 503 and a sentence."""
    program, body, address = programs[SCOPES[method, path]], BODIES.get(path), path
    for name, value in THERE.items():
        address = address.replace(name, value)
    before = state(database)
    for number in itertools.count():
        database.left = number
        answer = program.post(address, body, method)
        database.left = None
        trials.join()
        if answer.status != 503:
            break
        assert answer.json() == {"detail": "The database does not answer; try again in a moment."}
        after = state(database)
        assert is_whole(before, after) or path.endswith("/test")
        before = after

    assert number > 0
    assert answer.status < 500
    assert answer.status != 422

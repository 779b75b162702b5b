"""The shadow's job: it stands back for reading, reads what was reported, and ends for good reasons only."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from db import jobs, models, results, studies
from db.engine import Database
from db.records import Job, JobKind, JobState
from inference.errors import BundleError
from inference.image import Image
from inference.policy import Policy
from inference.prediction import FindingScore, Prediction
from node.demonstration import phantom
from node.files import Folder
from node.models import shadow
from node.models.service import ModelInService, NoModelError
from node.models.shadow import Shadow
from node.objects.model import ModelDescription
from tests.db.rows import NOW, add_job, arrival, claimed, prediction, record


@dataclass
class Fake:
    """A model that remembers how many images it was shown, and a clock that tells when it was asked."""

    seen: int = 0
    asked: threading.Event = field(default_factory=threading.Event)

    def classify(self, image: Image) -> Prediction:
        """Say the same of every image."""
        self.seen += 1
        score = FindingScore(finding="Mass", probability=0.5, operating_point=0.4)
        return Prediction(
            model_version="dark", rows=image.rows, columns=image.columns, scores=(score,), cam=np.zeros((1, 2, 2), "f4")
        )

    def now(self) -> datetime:
        """Asked once at each look for studies that wait."""
        self.asked.set()
        return NOW


def described(fake: Fake) -> ModelInService:
    """The fake in service."""
    return ModelInService(
        classify=fake.classify, description=ModelDescription(name="dark", version="dark", software_version="0")
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Folder]:
    """A store with two phantoms."""
    folder = Folder(tmp_path / "store")
    yield folder
    folder.close()


@pytest.fixture
def job(store: Folder, sqlite_database: Database) -> Job:
    """A claimed job of a study with two images, the first of which the model in service has read."""
    with sqlite_database.write() as connection:
        for number in (1, 2):
            study = record(connection, arrival(number, path=stored(store)))
        first, _ = studies.instances(connection)
        results.add_prediction(connection, prediction(first.id, "bright"), NOW)
        add_job(connection, study.id, kind=JobKind.SHADOW)
        return claimed(connection)


def stored(store: Folder) -> str:
    """A phantom's path in the store."""
    part = store.begin()
    part.path.unlink()
    phantom.dataset(rows=64, columns=64).save_as(part.path, enforce_file_format=True)
    return part.commit()


def handler(store: Folder, database: Database, fake: Fake, model: Callable[[], ModelInService] | None = None) -> Shadow:
    """The handler of the job."""
    return Shadow(
        store=store,
        database=database,
        model=model or (lambda: described(fake)),
        policy=Policy(),
        max_pixels=10**6,
        now=fake.now,
    )


def test_shadow_reads_what_was_reported(store: Folder, sqlite_database: Database, job: Job):
    """An image that no report tells of yet is left to the model in service; what was read is read once."""
    fake = Fake()
    run = handler(store, sqlite_database, fake)

    ending = run(job)
    with sqlite_database.write() as connection:
        assert ending.record(connection) == []
        readers = results.readers(connection, job.subject_id)
    again = run(job)

    assert (ending.state, again.state, fake.seen) == (JobState.DONE, JobState.DONE, 1)
    assert list(readers.values()) == [{"bright", "dark"}]


def test_shadow_stands_back_while_a_study_waits(store: Folder, sqlite_database: Database, job: Job):
    """No image of its is begun before the studies that are due have been read; its job goes back to the queue."""
    fake = Fake()
    run = handler(store, sqlite_database, fake)
    with sqlite_database.write() as connection:
        add_job(connection, job.subject_id, revision=2)

    before = run(job)
    seen_before = fake.seen
    with sqlite_database.write() as connection:
        held = jobs.claim(connection, kinds=[JobKind.READ], owner="r", now=NOW, lease_s=60)
        assert held is not None
        jobs.end(connection, held, state=JobState.DONE, now=NOW)
    after = run(job)

    assert (before.state, before.error_code, seen_before) == (JobState.QUEUED, "stands_back", 0)
    assert (after.state, fake.seen) == (JobState.DONE, 1)


def test_shadow_that_stands_back_stops_with_the_node(store: Folder, sqlite_database: Database, job: Job):
    """A node that stops does not wait for a quiet hour; the job goes on after the next start."""
    fake = Fake()
    run = handler(store, sqlite_database, fake)
    run.stop()

    ending = run(job)

    assert (ending.state, ending.error_code, fake.seen) == (JobState.QUEUED, "stopped", 0)


def test_job_without_a_shadow_ends(store: Folder, sqlite_database: Database, job: Job):
    """What was queued for a shadow that is off is not kept."""

    def none() -> ModelInService:
        raise NoModelError("none")

    ending = handler(store, sqlite_database, Fake(), none)(job)

    assert (ending.state, ending.error_code) == (JobState.DONE, "no_shadow")


def test_broken_shadow_waits_and_says_why(store: Folder, sqlite_database: Database, job: Job):
    """Its job is not given up: the bundle can be put right."""

    def broken() -> ModelInService:
        raise BundleError("It lacks a file.")

    ending = handler(store, sqlite_database, Fake(), broken)(job)

    assert (ending.state, ending.error_code, ending.error) == (JobState.QUEUED, "shadow_broken", "It lacks a file.")
    assert ending.delay_s > 0


def test_image_that_has_become_unreadable_is_passed_over(store: Folder, sqlite_database: Database, job: Job):
    """The shadow judges no image; the study's own job does."""
    with sqlite_database.read() as connection:
        first, _ = studies.instances(connection)
    store.path(first.path).write_bytes(b"spoilt")
    fake = Fake()

    ending = handler(store, sqlite_database, fake)(job)

    assert (ending.state, fake.seen) == (JobState.DONE, 0)


def test_job_is_queued_for_a_shadow_only(sqlite_database: Database, job: Job):
    """Without a shadow a study that was read leaves nothing to do."""
    read = replace(job, kind=JobKind.READ, revision=7)
    with sqlite_database.write() as connection:
        assert shadow.queue(connection, read, NOW) is None
        models.register(connection, name="m", version="dark", path="p", card={}, now=NOW)
        models.cast_shadow(connection, "dark")

        queued = shadow.queue(connection, read, NOW)

        assert queued is not None
        assert jobs.get(connection, queued).kind is JobKind.SHADOW

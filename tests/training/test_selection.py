"""What of the database goes into a snapshot, on both databases."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from db import boxes, deliveries, frontals, labels, published, studies
from db.engine import Connection, Database, connect
from db.learning_records import DrawnBox, Frontal
from db.report_records import OLDEST
from db.vocabulary import NORMAL, Assertion, Reason
from tests.db.label_rows import N, P, U, add_report, mine, say
from tests.db.rows import NOW, add_job, add_result, arrival, later, record
from tests.db.test_published import published_labels
from training import selection
from training.errors import SnapshotError
from training.pseudonym import Pseudonyms
from training.snapshot import Item, Snapshot, Split
from training.study_labels import Wanted

FINDINGS = ("Effusion", "Mass")
NAN = math.nan


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """An empty database with the schema."""
    found = connect(migrated_url)
    yield found
    found.close()


def image(connection: Connection, number: int, *, patient: str = "", frontal: bool = True, view: str = "PA") -> int:
    """A study of its own with one image; the study's row id."""
    uid = f"2.25.{number}"
    of_patient = patient or f"P{number}"
    new = arrival(number, study_instance_uid=uid, patient_id=of_patient, calling_ae=f"CR{number % 2}")
    study = record(connection, new)
    if frontal:
        (instance,) = studies.instances(connection, study.id)
        frontals.record(connection, [Frontal(instance_id=instance.id, view=view)])
    return study.id


def labelled(connection: Connection, number: int, states: dict[str, Assertion] | None = None, **values: str) -> int:
    """An image with a mined report; the study's row id."""
    study_id = image(connection, number, **values)
    mine(connection, add_report(connection, str(number), studies=[study_id]), states)
    return study_id


def two_more(connection: Connection) -> None:
    """Two patients with an effusion, so that a snapshot can be made of anything beside."""
    labelled(connection, 101, {"Effusion": P})
    labelled(connection, 102, {"Effusion": P})


def select(database: Database, *, after_result: bool = False, policy: str = "coded") -> Snapshot:
    """A snapshot of what is there now."""
    wanted = Wanted(findings=FINDINGS, policy=policy, after_result=after_result)
    return selection.select(
        database.read, database.write, wanted, pseudonyms=Pseudonyms(b"k"), images=Path("store"), now=NOW
    )


def item_of(snapshot: Snapshot, number: int) -> Item:
    """The image of this number."""
    (found,) = [item for item in snapshot.items if item.image == f"2026/03/14/{number}.dcm"]
    return found


def labels_of(snapshot: Snapshot, number: int) -> list[str]:
    """Its labels as text, as NaN is not equal to itself."""
    return [str(label) for label in item_of(snapshot, number).labels]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"Effusion": P}, ["1.0", "0.0"]),
        ({"Effusion": N}, ["0.0", "0.0"]),
        ({"Effusion": U, "Mass": P}, ["nan", "1.0"]),
        ({}, ["0.0", "0.0"]),
    ],
)
def test_mined_labels(database: Database, states: dict[str, Assertion], expected: list[str]) -> None:
    """Positive is 1, uncertain no label, negative and unmentioned 0."""
    with database.write() as connection:
        two_more(connection)
        labelled(connection, 1, states)

    made = select(database)

    assert labels_of(made, 1) == expected
    assert item_of(made, 1).provenance == "mined lex2 rul1 coded"


def test_gold_outranks_what_was_mined(database: Database) -> None:
    """A person's label takes the place of that finding's mined one; who it was is not in a snapshot."""
    with database.write() as connection:
        two_more(connection)
        study_id = labelled(connection, 1, {"Effusion": P, "Mass": P})
        say(connection, "Effusion", N, study_id=study_id)

    made = select(database)

    assert labels_of(made, 1) == ["0.0", "1.0"]
    assert item_of(made, 1).provenance == "mined lex2 rul1 coded + gold"


def test_gold_alone_says_nothing_of_other_findings(database: Database) -> None:
    """Without a report the findings that the person did not speak of have no label, unless they said Normal."""
    with database.write() as connection:
        two_more(connection)
        say(connection, "Mass", P, study_id=image(connection, 1))
        say(connection, NORMAL, P, study_id=image(connection, 2))

    made = select(database)

    assert labels_of(made, 1) == ["nan", "1.0"]
    assert labels_of(made, 2) == ["0.0", "0.0"]
    assert item_of(made, 1).provenance == "gold"


def test_published_labels_are_taken_whatever_the_policy(database: Database) -> None:
    """Nobody mined them, so no policy is theirs."""
    with database.write() as connection:
        two_more(connection)
        image(connection, 1)
        published.record_all(connection, [published_labels(findings=("Mass",))], NOW)

    made = select(database)

    assert labels_of(made, 1) == ["0.0", "1.0"]
    assert item_of(made, 1).provenance == "published"


def test_what_is_left_out_is_counted(database: Database) -> None:
    """No frontal image, no report, an unmined or unreadable one, another policy: left out, and the snapshot says so."""
    with database.write() as connection:
        two_more(connection)
        labelled(connection, 1, {"Mass": P}, frontal=False)
        image(connection, 2)
        add_report(connection, "3", studies=[image(connection, 3)])
        mine(connection, add_report(connection, "4", studies=[image(connection, 4)]), readability="not_english")
        mine(connection, add_report(connection, "5", studies=[image(connection, 5)]), {"Mass": P}, policy="strict")
        broken = labelled(connection, 6, {"Mass": P})
        (instance,) = studies.instances(connection, broken)
        studies.set_reason(connection, instance.id, Reason.UNDECODABLE, "", None)
        labelled(connection, 7, {"Effusion": U, "Mass": U})

    made = select(database)

    assert len(made.items) == 2
    left_out = {what.removeprefix("left out: "): said for what, said in made.about.items() if "left out:" in what}
    assert left_out == {
        "images without labels": "5",
        "reports mined by another policy": "1",
        "reports not mined yet": "1",
        "reports that cannot be mined": "1",
        "studies with labels and without a frontal image": "2",
        "studies with nothing but uncertain labels": "1",
        "studies without labels": "3",
    }


def read_and_sent(connection: Connection, study_id: int, *, at_s: float, sent: bool = True) -> None:
    """A result of a study, for a destination if `sent`."""
    job_id = add_job(connection, study_id)
    result_id = add_result(connection, study_id, job_id, number=study_id, created_at=later(at_s))
    if sent:
        deliveries.add(connection, [result_id], "pacs")


@pytest.mark.parametrize(
    ("received_s", "written_s", "sent", "left_out"),
    [
        (60, 60, True, True),
        (-60, -60, True, False),
        (60, 60, False, False),  # nobody was sent it
        (60, -3600, True, True),  # an hour of another clock is no proof
        (60, -90000, True, False),  # a history that was brought in
        (60, None, True, True),
    ],
)
def test_reports_that_may_repeat_the_node(
    database: Database, received_s: float, written_s: float | None, sent: bool, left_out: bool
) -> None:
    """A report that was written after the result was there is left out, or taken and flagged."""
    times = {"version_at": later(written_s)} if written_s is not None else {"version_at": OLDEST}
    with database.write() as connection:
        two_more(connection)
        study_id = image(connection, 1)
        read_and_sent(connection, study_id, at_s=0, sent=sent)
        report_id = add_report(connection, "1", studies=[study_id], received_at=later(received_s), **times)
        mine(connection, report_id, {"Mass": P})

    made, with_them = select(database), select(database, after_result=True)

    assert (len(made.items) == 2) is left_out
    assert item_of(with_them, 1).after_result is left_out
    assert made.about["reports written after the result"] == "left out"
    assert with_them.about["reports written after the result"] == "taken"


def test_an_earlier_report_stays_when_a_later_one_is_left_out(database: Database) -> None:
    """Of two reports of a study the one from before the result gives the labels."""
    with database.write() as connection:
        two_more(connection)
        study_id = labelled(connection, 1, {"Mass": P})
        read_and_sent(connection, study_id, at_s=10)
        after = add_report(connection, "1b", studies=[study_id], received_at=later(60), version_at=later(60))
        mine(connection, after, {"Effusion": P})

    assert labels_of(select(database), 1) == ["0.0", "1.0"]
    assert labels_of(select(database, after_result=True), 1) == ["1.0", "1.0"]


def test_a_patient_is_in_one_part_and_stays_there(database: Database) -> None:
    """All images of a patient, however the id is padded, are in one part, and later images go there too."""
    with database.write() as connection:
        for number in range(1, 21):
            labelled(connection, number, {"Effusion": P}, patient=f"{'0' * (number % 3)}a{number % 7}")
    before = select(database)

    with database.write() as connection:
        for number in range(21, 41):
            labelled(connection, number, {"Mass": P}, patient=f"A{number % 11}")
    after = select(database)

    parts: dict[str, set[Split]] = {}
    for item in (*before.items, *after.items):
        parts.setdefault(item.patient, set()).add(item.split)
    assert len(parts) == 11
    assert all(len(each) == 1 for each in parts.values())


def test_images_without_a_patient_are_only_learnt_from(database: Database) -> None:
    """Nobody can tell whose else they are, so no model is measured on them; each is a patient of its own."""
    with database.write() as connection:
        two_more(connection)
        for number in (1, 2, 3):
            labelled(connection, number, {"Mass": P}, patient=" ")

    made = select(database)

    unnamed = [item_of(made, number) for number in (1, 2, 3)]
    assert {item.split for item in unnamed} == {Split.TRAIN}
    assert len({item.patient for item in unnamed}) == 3
    assert made.about["images without a patient id"] == "3"


def test_the_same_database_gives_the_same_snapshot(database: Database) -> None:
    """Made twice, the items are the same; views and sources are the images' own."""
    with database.write() as connection:
        two_more(connection)
        labelled(connection, 1, {"Mass": P}, view="AP")

    first, second = select(database), select(database)

    assert first == second
    assert (item_of(first, 1).view, item_of(first, 1).source) == ("AP", "CR1")


def test_boxes_of_the_findings_go_along(database: Database) -> None:
    """Boxes are kept by image, those of the findings that are asked for."""
    with database.write() as connection:
        two_more(connection)
        labelled(connection, 1, {"Mass": P})
        box = {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4, "origin": "NIH"}
        drawn = [DrawnBox(finding="Mass", **box), DrawnBox(finding="Hernia", **box)]
        boxes.replace(connection, {3: drawn})

    made = select(database)

    assert [(name, [each.finding for each in found]) for name, found in made.boxes.items()] == [
        ("2026/03/14/1.dcm", ["Mass"])
    ]


def test_rare_findings_are_in_every_part(database: Database) -> None:
    """Patients alike are dealt one after another: ten with a mass among forty are in all three parts."""
    with database.write() as connection:
        for number in range(1, 41):
            labelled(connection, number, {"Mass": P} if number % 4 == 0 else {"Effusion": P})

    made = select(database)

    parts = [item.split for item in made.items if item.labels[1] == 1.0]
    assert sorted(parts) == sorted([Split.TRAIN] * 7 + [Split.VALIDATION] + [Split.TEST] * 2)


def test_selected_as_the_labels_in_force_say(database: Database) -> None:
    """The labels of a snapshot are those that `cxr labels` shows."""
    with database.write() as connection:
        two_more(connection)
        study_id = labelled(connection, 1, {"Effusion": N, "Mass": U})
        mine(connection, add_report(connection, "1b", studies=[study_id]), {"Effusion": P})
        say(connection, "Mass", N, study_id=study_id)
        shown = {each.study_id: dict(each.states) for each in labels.of_studies(connection)}

    made = select(database)

    for item in made.items:
        assert item.study_id is not None
        states = shown[item.study_id]
        assert item.labels == tuple(1.0 if states.get(name) is P else 0.0 for name in FINDINGS)


def test_nothing_to_train_on_is_refused(database: Database) -> None:
    """Each lack has a sentence that names it, and nobody is dealt for a snapshot that is not made."""
    with pytest.raises(SnapshotError, match="no frontal image here"):
        select(database)
    with database.write() as connection:
        labelled(connection, 1, {"Mass": P}, frontal=False)
    with pytest.raises(SnapshotError, match="labels of 1 studies and no frontal image"):
        select(database)
    with database.write() as connection:
        add_report(connection, "2", studies=[image(connection, 2)])
    with pytest.raises(SnapshotError, match=r"none of the 1 frontal images has labels \(1 reports not mined yet"):
        select(database)
    with database.write() as connection:
        labelled(connection, 3, {"Mass": N})
    with pytest.raises(SnapshotError, match="are of one patient"):
        select(database)
    with database.write() as connection:
        labelled(connection, 4, {"Mass": N})
    with pytest.raises(SnapshotError, match="no finding is positive"):
        select(database)


def test_a_finding_without_positives_is_named(database: Database) -> None:
    """A snapshot is made all the same; what lacks in it can be asked."""
    with database.write() as connection:
        two_more(connection)

    assert selection.without_positives(select(database)) == ["Mass"]

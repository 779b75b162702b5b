"""Rows of the label store for tests, and one store that was counted by hand."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from db import corrections, schema, studies
from db.label_records import LeftOut
from db.tally import Counted
from db.vocabulary import Assertion
from tests.db.rows import NOW, add_study, arrival

P, N, U = Assertion.POSITIVE, Assertion.NEGATIVE, Assertion.UNCERTAIN
MINER = {"lexicon_version": "lex2", "rules_version": "rul1", "language_model": "model", "policy": "coded"}


def add_report(connection: Connection, key: str, *, studies: Sequence[int] = (), **values: Any) -> int:
    """A version of a report, under accession number A and its key; its row id."""
    usual: dict[str, Any] = {
        "source": "HOSPITAL",
        "report_key": key,
        "accession_number": f"A{key}",
        "study_instance_uid": None,
        "patient_id": "P1",
        "modality": "CR",
        "procedure": "CHEST",
        "examination": "chest_radiograph",
        "status": "final",
        "version_at": NOW,
        "message_at": NOW,
        "text": "A secret text.",
        "sections": [],
        "received_at": NOW,
    }
    row = usual | values | {"message_id": _message(connection)}
    report_id: int = connection.execute(schema.report.insert().values(row).returning(schema.report.c.id)).scalar_one()
    for study_id in studies:
        link = {"report_id": report_id, "study_id": study_id, "by": "accession", "linked_at": NOW}
        connection.execute(schema.link.insert().values(link))
    return report_id


def mine(connection: Connection, report_id: int, states: Mapping[str, Assertion] | None = None, **values: Any) -> int:
    """A mining with these labels; Normal if it says so. Its row id."""
    row = {"report_id": report_id, "readability": "mined", "normal": False, "mined_at": NOW, **MINER, **values}
    mining_id: int = connection.execute(schema.mining.insert().values(row).returning(schema.mining.c.id)).scalar_one()
    for finding, assertion in (states or {}).items():
        mention = {
            "mining_id": mining_id,
            "concept": finding,
            "code": "1",
            "scheme": "SCT",
            "kind": "disease",
            "finding": finding,
            "assertion": assertion,
            "sentence": "A secret sentence.",
            "start": 0,
            "end": 1,
            "section": "findings",
            "rule_id": "rule",
            "fired": [],
        }
        statement = schema.mention.insert().values(mention).returning(schema.mention.c.id)
        mention_id = connection.execute(statement).scalar_one()
        label = {"mining_id": mining_id, "finding": finding, "assertion": assertion, "mention_id": mention_id}
        connection.execute(schema.label.insert().values(label))
    return mining_id


def say(connection: Connection, finding: str, assertion: Assertion, *, after_s: float = 0, **of: Any) -> int:
    """A person's label of a study or of a report."""
    return corrections.correct(
        connection,
        **of,
        finding=finding,
        assertion=assertion,
        before=Assertion.UNMENTIONED,
        actor="dr.lee",
        reason="seen on the film of Jane Doe",
        now=NOW + timedelta(seconds=after_s),
    )


def fill(connection: Connection) -> dict[str, int]:
    """The store that tests have counted by hand; the row ids of its studies and of the reports that matter.

    | report | study | what it is |
    |---|---|---|
    | 1 | one | effusion and atelectasis, no pneumothorax |
    | 2 | two | first a mass; corrected: no mass, Normal |
    | 3 | three | effusion; cancelled |
    | 4 | four | effusion uncertain; a person says of the study that it is there |
    | 5 | one | the second report of study one: no effusion, perhaps a nodule |
    | 6 | five | a CT with a mass |
    | 7 | five | not mined yet |
    | 8 | | not in English |
    | 9 | | once mined as a nodule, by a newer lexicon as an edema |

    Study one has two images that may be read, study two one that may and one that may not, the others one.
    """
    ids = {
        name: add_study(connection, f"2.25.{n}") for n, name in enumerate(("one", "two", "three", "four", "five"), 1)
    }
    studies.record_arrival(connection, arrival(2, study_instance_uid="2.25.1"), settle_at=NOW)
    studies.record_arrival(connection, arrival(3, study_instance_uid="2.25.2"), settle_at=NOW)
    lateral = schema.instance.c.sop_instance_uid == "2.25.1003"
    connection.execute(schema.instance.update().where(lateral).values(reason="not_frontal"))

    ids["r1"] = add_report(connection, "1", studies=[ids["one"]])
    mine(connection, ids["r1"], {"Effusion": P, "Atelectasis": P, "Pneumothorax": N})
    old = add_report(connection, "2", studies=[ids["two"]])
    mine(connection, old, {"Mass": P})
    later = {"version_at": NOW + timedelta(hours=1)}
    ids["r2"] = add_report(connection, "2", studies=[ids["two"]], status="corrected", **later)
    mine(connection, ids["r2"], {"Mass": N}, normal=True)
    mine(connection, add_report(connection, "3", studies=[ids["three"]]), {"Effusion": P})
    add_report(connection, "3", studies=[ids["three"]], status="cancelled", **later)
    ids["r4"] = add_report(connection, "4", studies=[ids["four"]])
    mine(connection, ids["r4"], {"Effusion": U})
    say(connection, "Effusion", P, study_id=ids["four"])
    ids["r5"] = add_report(connection, "5", studies=[ids["one"]])
    mine(connection, ids["r5"], {"Effusion": N, "Nodule": U})
    mine(connection, add_report(connection, "6", studies=[ids["five"]], examination="other"), {"Mass": P})
    ids["r7"] = add_report(connection, "7", studies=[ids["five"]])
    ids["r8"] = add_report(connection, "8")
    mine(connection, ids["r8"], readability="not_english")
    ids["r9"] = add_report(connection, "9", examination="unknown")
    mine(connection, ids["r9"], {"Nodule": P}, lexicon_version="lex1")
    mine(connection, ids["r9"], {"Edema": P}, mined_at=NOW + timedelta(days=1))
    return ids


def counted() -> Counted:
    """The facts of nothing."""
    return Counted(
        reports=0,
        labelled=0,
        with_finding=0,
        uncertain_only=0,
        normal=0,
        none_of_these=0,
        not_mined=0,
        unreadable=0,
        left_out=LeftOut(cancelled=0, other_examination=0),
        miners=(),
    )


def _message(connection: Connection) -> int:
    """A message of its own for each version."""
    number = connection.execute(select(func.count()).select_from(schema.message)).scalar_one()
    row = {
        "sending_application": "RIS",
        "sending_facility": "HOSPITAL",
        "control_id": str(number),
        "message_type": "ORU^R01",
        "version": "2.5.1",
        "raw": b"",
        "sha256": "",
        "peer_address": "",
        "answer": "AA",
        "received_at": NOW,
    }
    new: int = connection.execute(schema.message.insert().values(row).returning(schema.message.c.id)).scalar_one()
    return new

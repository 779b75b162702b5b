"""A radiologist judges where model and report differ; the judgement is a gold label of the study."""

from datetime import datetime
from enum import StrEnum

from db import concordance, corrections, studies
from db.concordance import Concordance
from db.engine import Connection
from db.vocabulary import Assertion
from node.errors import SettingsError
from node.labels import correction


class Verdict(StrEnum):
    """Who is right, or that it cannot be said from what there is."""

    MODEL = "model"
    REPORT = "report"
    UNSURE = "unsure"


def decide(
    connection: Connection,
    study_instance_uid: str,
    finding: str,
    verdict: Verdict,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> Assertion:
    """Write what a radiologist says of a difference: a label that outranks what was mined, audited.

    Returns:
        What is true of the finding from now on.

    Raises:
        SettingsError: there is no such difference, or somebody has judged it.
    """
    name = correction.finding_named(finding)
    corrections.hold(connection)  # of two people at once, the second is told
    study = studies.find(connection, study_instance_uid)
    if study is None:
        raise SettingsError("no study has this UID; `cxr studies` lists them")
    found = concordance.of_study(connection, study.id, name)
    if found is None or found.rank is None:
        raise SettingsError(
            f"there is nothing to judge of {name} here: somebody has judged it, or model and report do not differ"
        )
    said = assertion(found, verdict)
    before = Assertion.POSITIVE if found.reported else Assertion.NEGATIVE
    corrections.correct(
        connection,
        study_id=study.id,
        finding=name,
        assertion=said,
        before=before,
        actor=actor,
        reason=reason,
        now=now,
    )
    return said


def assertion(found: Concordance, verdict: Verdict) -> Assertion:
    """What a verdict makes of a finding."""
    if verdict is Verdict.UNSURE:
        return Assertion.UNCERTAIN
    there = found.present if verdict is Verdict.MODEL else found.reported
    return Assertion.POSITIVE if there else Assertion.NEGATIVE

"""Model against reports, by HTTP: where they differ, who is right, and how far they agree."""

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from db.agreement import Group
from db.discrepancies import Discrepancy, unjudged
from db.vocabulary import Assertion
from node.agreement.course import courses
from node.agreement.outline import Outline, outline
from node.console.api.basis import Basis, Node
from node.console.api.caller import Labeller, Reader
from node.console.api.page import Limit, Page, Text, begun, cut
from node.console.api.studies import known
from node.console.discrepancies import place, written
from node.console.words import sentence
from node.errors import SettingsError
from node.labels import correction, verdict
from node.labels.verdict import Verdict

router = APIRouter(tags=["agreement"])


class Judgement(BaseModel):
    """Who is right about a finding of a study; the reason is kept beside the label, not in the audit log."""

    model_config = ConfigDict(extra="forbid")

    study_instance_uid: Annotated[str, Field(pattern=r"^[0-9.]{1,64}$")]
    finding: Annotated[str, Field(max_length=32)]
    right: Verdict
    reason: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What is true of the finding from now on."""

    study_instance_uid: str
    finding: str
    assertion: Assertion


@router.get("/discrepancies")
def discrepancies(
    node: Node,
    caller: Reader,
    limit: Limit = 50,
    after: Annotated[Text, Query(description="`next` of the page before.")] = None,
    finding: Annotated[Text, Query(description="Only this finding.")] = None,
) -> Page[Discrepancy]:
    """Where model and report differ and nobody has judged, the most urgent first."""
    name = None if finding is None else correction.finding_named(finding)
    before = begun(after, place)
    with node.database.read() as connection:
        found = unjudged(connection, finding=name, before=before, limit=limit + 1)
    caller.saw("discrepancies.view", "discrepancies", finding=name, shown=len(found[:limit]))
    return cut([_shown(node, each) for each in found], limit, written)


@router.post("/discrepancies/verdicts", status_code=201)
def decide(node: Node, caller: Labeller, said: Judgement) -> Judged:
    """Say who is right: a gold label of the study, which outranks what was mined; who comes second is told."""
    name = correction.finding_named(said.finding)
    try:
        with node.database.write() as connection:
            known(connection, said.study_instance_uid)
            assertion = verdict.decide(
                connection,
                said.study_instance_uid,
                name,
                said.right,
                actor=caller.name,
                reason=said.reason,
                now=node.now(),
            )
    except SettingsError as error:
        raise HTTPException(409, sentence(error)) from error
    return Judged(study_instance_uid=said.study_instance_uid, finding=name, assertion=assertion)


@router.get("/agreement")
def agreement(
    node: Node,
    _caller: Reader,
    finding: Annotated[Text, Query(description="Only this finding.")] = None,
    model: Annotated[Text, Query(description="Only readings by this model version.")] = None,
    sender: Annotated[Text, Query(description="Only images that this AE title sent.")] = None,
    view: Annotated[Text, Query(description="Only this view: PA or AP.")] = None,
) -> list[Outline]:
    """Kappa, PPV and sensitivity of each finding against the reports, with 95 % intervals, and its weeks."""
    name = None if finding is None else correction.finding_named(finding)
    group = Group(finding=name, model_version=model, sender=sender, view=view)
    with node.database.read() as connection:
        found = courses(connection, group, node.settings.agreement.within, node.now())
    return [outline(each) for each in found]


def _shown(node: Basis, each: Discrepancy) -> Discrepancy:
    return replace(
        each,
        patient_id=node.mask.value(each.patient_id),
        patient_name=node.mask.value(each.patient_name),
        accession_number=node.mask.value(each.accession_number),
        sentence=node.mask.text(each.sentence, each) if each.sentence else each.sentence,
    )

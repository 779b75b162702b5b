"""What a person does to a study, by HTTP: have it read again, have its results sent again, take them back."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from db.vocabulary import RejectionReason
from node.console.api.basis import Node, Uid
from node.console.api.caller import Administrator, Labeller
from node.study.acts import Acts, Outcome

router = APIRouter(tags=["studies"])


class Sending(BaseModel):
    """Where results are to go once more."""

    model_config = ConfigDict(extra="forbid")

    destination: Annotated[str, Field(max_length=64, pattern=r"^[^\x00]+$")]
    """A name of `GET /destinations`."""


class Retraction(BaseModel):
    """Why results are taken back (DICOM PS3.16 CID 7011)."""

    model_config = ConfigDict(extra="forbid")

    reason: RejectionReason


def _acts(node: Node) -> Acts:
    return Acts(database=node.database, now=node.now)


Act = Annotated[Acts, Depends(_acts)]


@router.post("/studies/{study_instance_uid}/read", status_code=202)
def read_again(acts: Act, caller: Administrator, study_instance_uid: Uid) -> Outcome:
    """Have it read again, by the model that is in service then."""
    return _done(acts.read_again(study_instance_uid, caller.name))


@router.post("/studies/{study_instance_uid}/send", status_code=202)
def send_again(acts: Act, caller: Administrator, study_instance_uid: Uid, to: Sending) -> Outcome:
    """Send what stands of its newest results to a destination again, as the same instances."""
    return _done(acts.send_again(study_instance_uid, to.destination, caller.name))


@router.post("/studies/{study_instance_uid}/retract", status_code=202)
def retract(acts: Act, caller: Labeller, study_instance_uid: Uid, why: Retraction) -> Outcome:
    """Take all of its results back that stand; each destination that got some is told."""
    return _done(acts.take_back(study_instance_uid, why.reason, caller.name))


def _done(outcome: Outcome) -> Outcome:
    if not outcome.changed:
        raise HTTPException(409, outcome.sentence)
    return outcome

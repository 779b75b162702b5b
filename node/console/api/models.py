"""The models, and which of them reads, by HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from db import models
from db.learning_records import Model
from node.console.api.basis import Node, Version
from node.console.api.caller import Administrator, Reader
from node.models import promotion
from node.models.promotion import Evidence

router = APIRouter(tags=["models"])

Reason = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
VersionField = Annotated[str, Field(max_length=64, pattern=r"^[^\x00]+$")]


class Promotion(BaseModel):
    """A person's decision. Who insists gives a reason, which is in the audit log: nothing of a patient."""

    model_config = ConfigDict(extra="forbid")

    insist: bool = False
    reason: Reason = ""


class Rollback(BaseModel):
    """The version that read when somebody looked, and why it is to read no more."""

    model_config = ConfigDict(extra="forbid")

    seen: VersionField
    reason: Reason = ""


class Shadow(BaseModel):
    """The version that is to read in the shadow; null is none."""

    model_config = ConfigDict(extra="forbid")

    version: VersionField | None


@router.get("/models")
def list_models(node: Node, _caller: Reader) -> list[Model]:
    """The registered models with their cards, in order of registration."""
    with node.database.read() as connection:
        return models.every(connection)


@router.get("/models/{version}")
def one_model(node: Node, _caller: Reader, version: Version) -> Model:
    """A model and its card."""
    with node.database.read() as connection:
        return models.get(connection, version)


@router.post("/models/{version}/promotion")
def promote(node: Node, caller: Administrator, version: Version, how: Promotion) -> dict[str, Any]:
    """Let a candidate read from the next study on; one that nothing says is better takes a person who insists."""
    with node.database.read() as connection:
        models.get(connection, version)
        current = models.current(connection)
    return promotion.promote(
        node.database,
        node.settings.data,
        version,
        Evidence(over=current.version if current else None),
        by=caller.name,
        now=node.now(),
        insist=how.insist,
        reason=how.reason,
    )


@router.post("/models/rollback")
def roll_back(node: Node, caller: Administrator, how: Rollback) -> dict[str, Any]:
    """Take the last promotion back: the model that read before reads again."""
    return promotion.roll_back(
        node.database, node.settings.data, by=caller.name, now=node.now(), reason=how.reason, seen=how.seen
    )


@router.put("/models/shadow", status_code=204)
def shadow(node: Node, caller: Administrator, wanted: Shadow) -> None:
    """Let a model read every study after the current one has, unheard; or none."""
    if wanted.version is None:
        promotion.end_shadow(node.database, by=caller.name, now=node.now())
    else:
        promotion.cast_shadow(node.database, node.settings.data, wanted.version, by=caller.name, now=node.now())

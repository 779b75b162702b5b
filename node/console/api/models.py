"""The models, which of them reads, and a candidate beside it, by HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from db import comparisons, models, snapshots
from db.learning_records import Model, RegisteredSnapshot, StoredComparison
from node.console.api.basis import Basis, Node, Version
from node.console.api.caller import Administrator, Reader
from node.models import live, promotion
from node.models.live import LiveComparison
from node.models.promotion import Evidence

router = APIRouter(tags=["models"])

COMPARISONS = 10
"""Of a candidate, the last asked for."""
SNAPSHOTS = 50
Reason = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
VersionField = Annotated[str, Field(max_length=64, pattern=r"^[^\x00]+$")]


class Question(BaseModel):
    """On which snapshot's test patients a candidate is to be compared: its whole SHA-256."""

    model_config = ConfigDict(extra="forbid")

    snapshot: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Promotion(BaseModel):
    """A person's decision. Who insists gives a reason, which is in the audit log: nothing of a patient."""

    model_config = ConfigDict(extra="forbid")

    comparison: Annotated[int | None, Field(ge=1, le=2**31 - 1, description="The number of the one it goes by.")] = None
    seen: Annotated[VersionField | None, Field(description="Which read when somebody looked; else the one now.")] = None
    insist: bool = False
    reason: Reason = ""


class Promoted(BaseModel):
    """What the audit log keeps of a promotion: beside which version, what was compared, and what spoke against it."""

    over: str | None
    compared: dict[str, Any] | None
    objections: list[str]
    forced: bool
    reason: str


class Rollback(BaseModel):
    """The version that read when somebody looked, and why it is to read no more."""

    model_config = ConfigDict(extra="forbid")

    seen: VersionField
    reason: Reason = ""


class RolledBack(BaseModel):
    """Which version reads no more, and which reads again."""

    from_: Annotated[str, Field(alias="from")]
    to: str
    reason: str


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


@router.get("/models/{version}/comparisons")
def list_comparisons(node: Node, _caller: Reader, version: Version) -> list[StoredComparison]:
    """A model beside those that read when somebody asked, the last first; `outcome` has the numbers."""
    with node.database.read() as connection:
        models.get(connection, version)
        return comparisons.of_candidate(connection, version, COMPARISONS)


@router.post("/models/{version}/comparisons", status_code=202)
def compare(node: Node, caller: Administrator, version: Version, on: Question) -> list[StoredComparison]:
    """Have it compared with the model that reads, on the same test patients; asked again, it is the same comparison."""
    promotion.ask_to_compare(node.database, version, on.snapshot, by=caller.name, now=node.now())
    return list_comparisons(node, caller, version)


@router.post("/models/{version}/promotion")
def promote(node: Node, caller: Administrator, version: Version, how: Promotion) -> Promoted:
    """Let a candidate read from the next study on; one that nothing says is better takes a person who insists."""
    words = promotion.promote(
        node.database,
        node.settings.data,
        version,
        _evidence(node, version, how),
        by=caller.name,
        now=node.now(),
        insist=how.insist,
        reason=how.reason,
    )
    return Promoted(**words)


@router.post("/models/rollback")
def roll_back(node: Node, caller: Administrator, how: Rollback) -> RolledBack:
    """Take the last promotion back: the model that read before reads again."""
    words = promotion.roll_back(
        node.database, node.settings.data, by=caller.name, now=node.now(), reason=how.reason, seen=how.seen
    )
    return RolledBack(**words)


@router.put("/models/shadow", status_code=204)
def shadow(node: Node, caller: Administrator, wanted: Shadow) -> None:
    """Let a model read every study after the current one has, unheard; or none."""
    if wanted.version is None:
        promotion.end_shadow(node.database, by=caller.name, now=node.now())
    else:
        promotion.cast_shadow(node.database, node.settings.data, wanted.version, by=caller.name, now=node.now())


@router.get("/models/{version}/live")
def beside_live(
    node: Node,
    _caller: Reader,
    version: Version,
    days: Annotated[int, Query(ge=1, le=31, description="The last days on which studies began to arrive.")] = 1,
) -> LiveComparison:
    """A model beside the one that reads, on the live images that both have read: how often they agree, by finding."""
    since = live.begin_of(days, node.now(), node.settings.console.time_zone)
    with node.database.read() as connection:
        return live.compare(connection, version, since)


@router.get("/snapshots")
def list_snapshots(node: Node, _caller: Reader) -> list[RegisteredSnapshot]:
    """What models are trained and measured on, the last made first."""
    with node.database.read() as connection:
        return snapshots.newest(connection, SNAPSHOTS)


def _evidence(node: Basis, version: str, how: Promotion) -> Evidence:
    """What was seen of it."""
    with node.database.read() as connection:
        models.get(connection, version)
        current = models.current(connection)
        over = how.seen or (current.version if current else None)
        if how.comparison is None:
            return Evidence(over=over)
        return promotion.seen(connection, version, how.comparison, over)

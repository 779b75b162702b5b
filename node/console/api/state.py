"""Whether the node can work, what is under way, and who did what, by HTTP."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from db import audit
from db.audit import AuditChain, AuditEntry
from node.console.api.basis import Node
from node.console.api.caller import Administrator, Reader
from node.console.api.page import After, Limit, Page, Text, cut
from node.console.facts import Facts, gather
from node.process.floors import Installed, installed
from node.process.implementation import SOFTWARE_VERSION
from node.reception.callers import Callers
from node.reception.callers import gather as gather_callers
from node.settings import Settings
from node.telemetry import readiness

router = APIRouter(tags=["state"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether the console's process can do its work; each check says "ok" or what is the matter."""

    ok: bool
    version: str
    checks: dict[str, str]


@router.get("/health")
def health(node: Node, _caller: Reader) -> Health:
    """Whether all is well."""
    found = readiness.ask(node.checks)
    return Health(ok=set(found.values()) <= {"ok"}, version=SOFTWARE_VERSION, checks=found)


@router.get("/status")
def status(node: Node, _caller: Reader) -> Facts:
    """Processes, queues with their age, and what is under way or waits for a person; what is done is not counted."""
    return gather(node.database, node.settings.data, node.now())


@router.get("/callers")
def callers(node: Node, _caller: Reader) -> Callers:
    """Who may send to the node, who sent the last images, and who was turned away lately."""
    return gather_callers(node.database, node.settings)


@router.get("/settings")
def settings(node: Node, _caller: Administrator) -> Settings:
    """The settings in force in the console's process, secrets masked."""
    return node.settings


@router.get("/version")
def version(_caller: Administrator) -> Installed:
    """The version of the node and of the libraries that it rests on."""
    return installed()


@router.get("/audit")
def entries(
    node: Node,
    caller: Administrator,
    limit: Limit = 50,
    after: After = None,
    actor: Annotated[Text, Query(description="Who did it.")] = None,
    action: Annotated[Text, Query(description="What was done, such as study.view.")] = None,
    subject: Annotated[Text, Query(description="To what.")] = None,
) -> Page[AuditEntry]:
    """Who did what, the newest first."""
    with node.database.read() as connection:
        found = audit.found(connection, limit + 1, before=after, actor=actor, action=action, subject=subject)
    caller.saw("audit.view", "audit")
    return cut(found, limit, lambda each: each.id)


@router.get("/audit/verification")
def verify(
    node: Node,
    _caller: Administrator,
    noted: Annotated[
        str | None,
        Query(
            pattern=r"^[0-9]{1,9}:[0-9a-f]{64}$", description="`last_id`:`digest` as it was once; is it still there?"
        ),
    ] = None,
) -> AuditChain:
    """Work out every digest of the audit log again; `fault` says what is the matter, null if nothing is."""
    number, _, digest = (noted or "").partition(":")
    with node.database.read() as connection:
        return audit.examine(connection, (int(number), digest) if noted else None)

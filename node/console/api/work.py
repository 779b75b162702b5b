"""Jobs, deliveries and destinations, by HTTP."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from db import deliveries, jobs
from db.records import Job, JobState
from db.result_records import Delivery, DeliveryState
from node.console.api.basis import Node, RowId
from node.console.api.caller import Administrator, Reader
from node.console.api.page import After, Limit, Page, Text, cut
from node.destinations import standing, tryout
from node.destinations.standing import Standing
from node.destinations.tryout import Outcome
from node.retry import retry

router = APIRouter(tags=["work"])


class Trial(BaseModel):
    """How a destination is to be tried."""

    model_config = ConfigDict(extra="forbid")

    sender: Annotated[str, Field(max_length=16)] | None = None
    """The AE title that the study is to come from, where results go back to that."""
    wait_s: Annotated[float, Field(ge=0, le=60)] = 10
    """Seconds to wait for a commitment."""


@router.get("/jobs")
def list_jobs(
    node: Node,
    _caller: Reader,
    limit: Limit = 50,
    after: After = None,
    state: Annotated[list[JobState] | None, Query(description="Only those in these states.")] = None,
) -> Page[Job]:
    """The jobs, the newest first; one that went wrong says why."""
    with node.database.read() as connection:
        found = jobs.newest(connection, limit + 1, state or (), after)
    return cut(found, limit, lambda each: each.id)


@router.post("/jobs/retry", status_code=202)
def retry_all(node: Node, caller: Administrator) -> list[int]:
    """Queue every failed or dead job again; their numbers."""
    queued = retry(node.database, None, by=caller.name, now=node.now())
    if not queued:
        raise HTTPException(409, "No job is failed or dead; somebody may have been faster.")
    for each in queued:
        node.announce(each)
    return queued


@router.post("/jobs/{job_id}/retry")
def retry_job(node: Node, caller: Administrator, job_id: RowId) -> Job:
    """Queue a failed or dead job again."""
    queued = retry(node.database, job_id, by=caller.name, now=node.now())
    with node.database.read() as connection:
        job = jobs.look(connection, job_id)
    if job is None:
        raise HTTPException(404, "There is no such job.")
    if not queued:
        raise HTTPException(409, f"The job is {job.state}; only a failed or dead one is queued again.")
    node.announce(job_id)
    return job


@router.get("/deliveries")
def list_deliveries(
    node: Node,
    _caller: Reader,
    limit: Limit = 50,
    after: After = None,
    destination: Annotated[Text, Query(description="Only those to it.")] = None,
    state: Annotated[list[DeliveryState] | None, Query(description="Only those in these states.")] = None,
) -> Page[Delivery]:
    """What was to be sent where, the newest first, and how far it got."""
    with node.database.read() as connection:
        found = deliveries.newest(connection, limit + 1, before=after, destination=destination, states=state or ())
    return cut(found, limit, lambda each: each.id)


@router.get("/destinations")
def destinations(node: Node, _caller: Reader) -> list[Standing]:
    """Where results go, when each destination last took something, and what has not arrived there."""
    with node.database.read() as connection:
        return standing.standings(connection, node.settings)


@router.post("/destinations/{name}/test")
def test(node: Node, caller: Administrator, name: Annotated[str, Path(max_length=64)], how: Trial) -> Outcome:
    """Send a synthetic patient to a destination; it takes seconds. Remove the study there afterwards."""
    if name not in {each.name for each in node.settings.destinations}:
        raise HTTPException(404, "The settings have no such destination.")
    caller.saw("destination.test", name)
    return tryout.run(
        node.settings, lambda: node.database, name, sender=how.sender, wait_s=how.wait_s, say=lambda _words: None
    )

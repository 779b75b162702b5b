"""A worker for one kind of job."""

from db.engine import Database
from db.records import JobKind
from node.process.clock import Clock
from node.worker import Handler, Worker


def worker_of(database: Database, kind: JobKind, handler: Handler, now: Clock) -> Worker:
    """A worker that does these jobs as the handler says, and tells nobody."""
    return Worker(
        database=database,
        handlers={kind: handler},
        announce=lambda _id: None,
        on_dead=lambda _connection, _job: None,
        lease_s=60,
        now=now,
    )

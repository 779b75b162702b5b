"""The cluster's wake-up: Celery over Redis. The only file that knows Celery.

Theory of operation. The database decides who works; a message is a job's id and says no more than "look there". So it
may be late, lost, doubled or stale: whoever takes it claims the longest-waiting job of its kind, if one is due. The
reconciler announces due jobs again at every tick, and `Broker` sends that on only while a queue is nearly empty: a
backlog has few messages however long it lasts, and a broker that lost its messages has new ones at the next tick.
Sending has a thread of its own, so that a broker that is down holds up nobody.

Workers: `celery -A node.celery_app worker -Q inference --pool solo`, one for each GPU or group of cores,
`-Q delivery,mining --pool threads --concurrency 8`, and `-Q training --pool threads --concurrency 2` where models are
trained and compared. They take the settings of `cxr serve`: $CXR_CONFIG names the file,
CXR_ variables go over it. A destination has as many places as `[work] delivery_workers` in each worker; who finds them
taken leaves the message to those who have them, so one that hangs holds up no other.
"""

import logging
import os
import queue
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from celery import Celery, signals
from celery.worker import state as worker_state
from kombu.connection import Connection

from db import jobs
from db.engine import Database
from db.errors import DatabaseError
from db.records import Job, JobKind
from node import workplace
from node.database import open_database
from node.errors import SettingsError
from node.process import logs
from node.process.floors import require_floors
from node.sections.running import BrokerSettings
from node.settings import Settings, load
from node.workplace import Workplace

log = logging.getLogger(__name__)

RUN = "cxr.run"
QUEUES = {
    JobKind.READ: "inference",
    JobKind.SHADOW: "inference",
    JobKind.DELIVER: "delivery",
    JobKind.RETRACT: "delivery",
    JobKind.COMMIT: "delivery",
    JobKind.MINE: "mining",
    JobKind.TRAIN: "training",
    JobKind.COMPARE: "training",
}
"""Where a job's message goes."""
ENOUGH = 64
"""Messages in a queue with which its workers have enough to look for."""
HELD = 1024
"""Announcements that wait to be sent; more are dropped, for the reconciler says them again."""
ANSWER_S = 2.0
"""How long the broker may take to be reached, and five times that to answer."""
AGAIN_S = 0.5
"""How long nothing is sent after that went wrong."""
NO_JOB = 0
"""The id that no job has."""


def configuration(url: str) -> dict[str, Any]:
    """How Celery is set up: JSON alone, no results, nothing that the database does not know better."""
    return {
        "broker_url": url,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "socket_connect_timeout": ANSWER_S,
            "socket_timeout": ANSWER_S * 5,
            "health_check_interval": 5,
        },
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_ignore_result": True,
        "task_create_missing_queues": True,
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "worker_enable_remote_control": False,
    }


def broker_url(settings: BrokerSettings) -> str:
    """The broker's URL, with its password."""
    if settings.url is None:
        raise SettingsError("a worker needs [broker] url; CXR_CONFIG names the settings file")
    return settings.url.get_secret_value()


class Broker:
    """Announces jobs to the workers."""

    def __init__(self, settings: BrokerSettings, database: Database) -> None:
        self._app = Celery("cxr-node", set_as_current=False)
        self._app.conf.update(configuration(broker_url(settings)))
        self._connection: Connection | None = None
        self._database = database
        self._held: queue.Queue[int] = queue.Queue(HELD)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._send_all, name="broker", daemon=True)

    def announce(self, job_id: int) -> None:
        """Wake a worker; never waits."""
        with suppress(queue.Full):
            self._held.put_nowait(job_id)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more."""
        self._stopping.set()
        self.announce(NO_JOB)
        self._thread.join()
        self._hang_up()
        self._app.close()

    def _send_all(self) -> None:
        while not self._stopping.is_set():
            batch = self._batch()
            try:
                self._send(batch)
            except DatabaseError:
                log.exception("no announcement without the database")
            except Exception as error:  # noqa: BLE001
                # The broker's client has errors of its own, of its driver and of the socket; what was not said now the
                # reconciler says again, and a thread that ended here would be missed by nobody.
                log.warning("nothing announced", extra={"fields": {"error": type(error).__name__}})
                self._hang_up()
                self._stopping.wait(AGAIN_S)

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.release()  # type: ignore[no-untyped-call]
            self._connection = None

    def _batch(self) -> list[int]:
        """What waits; at least one, however long that takes."""
        batch = {self._held.get()}
        while not self._held.empty() and len(batch) < HELD:
            batch.add(self._held.get_nowait())
        return sorted(batch)

    def _send(self, job_ids: list[int]) -> None:
        with self._database.read() as connection:
            kinds = jobs.kinds(connection, job_ids)
        if self._connection is None:
            self._connection = self._app.connection_for_write()
        channel = self._connection.default_channel
        room = {
            name: ENOUGH - channel.queue_declare(name).message_count
            for name in {QUEUES[each] for each in kinds.values()}
        }
        for job_id, kind in kinds.items():
            name = QUEUES[kind]
            if room[name] > 0:
                room[name] -= 1
                self._app.send_task(RUN, args=[job_id], queue=name, connection=self._connection, retry=False)


def _end_process(job: Job) -> None:
    """A job that does not end holds its thread for ever; only with its process does it go."""
    log.critical("this process ends, for a job ran past its deadline", extra={"fields": {"job": job.id}})
    os._exit(os.EX_SOFTWARE)


def reads(worker: Celery) -> bool:
    """Whether the worker takes studies to read, by the queues of its `-Q`."""
    return QUEUES[JobKind.READ] in worker.amqp.queues.consume_from


@cache
def _settings() -> Settings:
    file = os.environ.get("CXR_CONFIG")
    return load(Path(file) if file else None)


@cache
def _workplace() -> Workplace:
    settings = _settings()
    database = open_database(settings)
    broker = Broker(settings.broker, database)
    return workplace.build(settings, database, broker, overdue=_end_process, reads=reads(app))


app = Celery("cxr-node", set_as_current=False)
# A promise: settings are read when a worker starts, not when this is imported.
app.add_defaults(lambda: configuration(broker_url(_settings().broker)))


@app.task(name=RUN)
def run(job_id: int) -> None:
    """What a message asks for."""
    if _workplace().run(job_id):
        worker_state.should_stop = os.EX_OK


@signals.setup_logging.connect
def _log(**_: Any) -> None:
    logs.configure(_settings().log.level, _settings().log.format)
    logging.getLogger("celery").addHandler(_Last())


class _Last(logging.Handler):
    """Celery ends a worker by itself where its broker goes away at a bad moment; else nobody would hear of it."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.CRITICAL and record.exc_info:
            log.critical("the worker ends by a fault, for its supervisor to start it again", exc_info=record.exc_info)


@signals.worker_init.connect
def _open(sender: Any, **_: Any) -> None:
    os.umask(0o077)  # whatever is written here is for the node's own user
    if "prefork" in str(sender.pool_cls):
        raise SystemExit("cxr-node's workers run with --pool solo (inference) or --pool threads; add one of them")
    require_floors()
    _workplace().open()


@signals.worker_shutting_down.connect
def _interrupt(**_: Any) -> None:
    """Celery waits for the jobs that run, and a training runs for hours: it is told to go on later."""
    threading.Thread(target=_workplace().interrupt, name="interrupt", daemon=True).start()  # this is a signal's handler


@signals.worker_shutdown.connect
def _close(**_: Any) -> None:
    _workplace().close()

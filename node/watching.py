"""What a process measures of itself and tells to machines that ask, put together from the settings."""

from collections.abc import Callable

from db import studies
from db.engine import Database
from db.errors import DatabaseError
from db.records import Job, JobKind
from node.errors import SettingsError
from node.parts import Service
from node.settings import MIB, Settings
from node.telemetry import readiness
from node.telemetry.endpoint import Endpoint
from node.telemetry.machine import Machine
from node.telemetry.metrics import Metrics, measure
from node.telemetry.observer import Observer
from node.telemetry.watch import Watch

ABOUT_STUDIES = (JobKind.READ, JobKind.SHADOW, JobKind.DELIVER, JobKind.RETRACT)
"""Kinds of jobs whose subject is a study."""


def observe(settings: Settings, database: Database) -> tuple[Observer, tuple[Service, ...]]:
    """What watches the work of a process, and what sends its traces if they are wanted."""
    if settings.traces.endpoint is None:
        return Observer(metrics=measure()), ()
    try:
        from node.telemetry import traces  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SettingsError(f"[traces] needs the extra `traces` ({error.name} is not installed)") from error

    sent = traces.to(settings.traces.endpoint, _study_of(database))
    return Observer(metrics=measure(), spans=sent), (sent,)


def _study_of(database: Database) -> Callable[[Job], str | None]:
    def study_of(job: Job) -> str | None:
        if job.kind not in ABOUT_STUDIES:
            return None
        try:
            with database.read() as connection:
                return studies.get(connection, job.subject_id).study_instance_uid
        except DatabaseError:
            return None  # its trace is the least that is wrong then

    return study_of


def watch_over(settings: Settings, database: Database, metrics: Metrics, *, reads: bool) -> Watch:
    """What a process says of itself to a machine that asks; one that `reads` is ready if its model is."""
    Machine(metrics.registry, settings.data)
    checks = {
        "database": readiness.database_answers(database),
        "disk": readiness.disk_has_room(settings.data, settings.dicom.min_free_mb * MIB),
    }
    if settings.broker.url is not None:
        checks["broker"] = readiness.broker_is_reached(settings.broker.url.get_secret_value())
    if reads:
        from node.models.readiness import model_is_whole  # noqa: PLC0415 - as for the workshop

        checks["model"] = model_is_whole(database, settings.data, settings.reading.model)
    return Watch(metrics=metrics, checks=checks)


def endpoints(settings: Settings, watch: Watch) -> tuple[Service, ...]:
    """The port for machines that watch, if there is to be one."""
    if settings.metrics.port is None:
        return ()
    return (Endpoint(host=settings.metrics.host, port=settings.metrics.port, watch=watch),)

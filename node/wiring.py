"""Where a node is put together from its settings; the only place that knows which parts there are."""

import logging
import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Protocol

import pydicom

from db import migration, people
from db.clock_steps import Longest
from db.engine import Database
from db.records import Holding, JobKind, StudyState
from db.retention import Rule
from db.sessions import Lifetime
from node import descriptors, logs
from node.clock import utc_now
from node.console import app
from node.console.exposure import is_loopback, require_encrypted, require_people
from node.console.server import Certificate, Server
from node.database import open_database
from node.descriptors import LOW
from node.destinations.commitment import LONGEST_DELAY_S, Desk
from node.dicom.acceptance import Acceptance, Peer
from node.dicom.association import Limits
from node.dicom.scp import Scp
from node.errors import SettingsError
from node.files import Folder
from node.hl7 import connection as hl7_connection
from node.hl7 import intake as hl7_intake
from node.hl7.listener import Listener
from node.intake import RELEASE_FALLBACK_S, Intake
from node.queue import LocalQueue
from node.receivers import Receivers
from node.reconcile import Reconciler, study_failed
from node.register import Register
from node.rejections import Rejections
from node.settings import MIB, DicomSettings, Hl7Settings, Settings
from node.telemetry import readiness
from node.telemetry.endpoint import Endpoint
from node.telemetry.machine import Machine
from node.telemetry.metrics import Metrics, measure
from node.telemetry.observer import Observer
from node.telemetry.stock import Stock
from node.telemetry.watch import HEALTHZ, PATHS, Watch
from node.tls import Files, ServerTls
from node.upkeep.beat import Beat
from node.upkeep.retention import Retention
from node.worker import Announce

if TYPE_CHECKING:
    from node.celery_app import Broker
    from node.workshop import Workshop

log = logging.getLogger(__name__)

RETENTION_EVERY_S = 600.0
GB = 1_000_000_000


class Role(StrEnum):
    """A part that a node plays; in a cluster each may be a process of its own."""

    SCP = "scp"
    HL7 = "hl7"
    RECONCILE = "reconcile"
    CONSOLE = "console"
    WORK = "work"


class Service(Protocol):
    """What runs from the node's start to its stop."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End what runs; leave what waits."""


class Door(Service, Protocol):
    """What lets peers or people in, on a TCP port."""

    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node, put together and not yet started. `services` are in the order in which they start."""

    settings: Settings
    roles: frozenset[Role]
    database: Database
    store: Folder
    services: tuple[Service, ...]

    def start(self) -> None:
        """Start in this order; each step finds the work of the ones before it done.

        1. Sweep: what killed processes left half written is removed, before anything new is begun.
        2. Reconcile, once and from then on: leases that ran out go back to the queue, studies that became quiet
           meanwhile become jobs. Where the settings ask for it, retention begins too.
        3. Mining catches up: what the miner in force has not mined becomes its job.
        4. Work: the threads take jobs up, those that a kill left behind first.
        5. Peers are let in, last of all: DICOM, HL7, then the console, which says that the node is there.

        The database was brought up to date, and the ports were taken, when the node was built; whoever calls before
        the last step waits in the backlog. A process with fewer roles leaves steps out and keeps the order.
        """
        self.store.sweep()
        for service in self.services:
            service.start()

    def stop(self) -> None:
        """The other way round; what is running ends, what is waiting waits for the next start."""
        for service in reversed(self.services):
            service.stop()
        self.store.close()
        self.database.close()

    @property
    def scp(self) -> Door:
        """Where DICOM comes in."""
        return self._door(Scp, Receivers)

    @property
    def listener(self) -> Door:
        """Where HL7 comes in."""
        return self._door(Listener)

    @property
    def console(self) -> Door:
        """Where people look."""
        return self._door(Server)

    def _door(self, *kinds: type[Door]) -> Door:
        return next(service for service in self.services if isinstance(service, kinds))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Threads:
    """The workshop's jobs, run by threads of this process."""

    queue: LocalQueue
    workshop: "Workshop"

    def start(self) -> None:
        self.workshop.open()
        self.queue.start(self.workshop.worker.run_one)

    def stop(self) -> None:
        self.workshop.interrupt()
        self.queue.stop()
        self.workshop.close()


def roles_of(settings: Settings) -> frozenset[Role]:
    """What a node does when nobody says: everything, but for the work that a cluster's workers do."""
    return frozenset(Role) - ({Role.WORK} if settings.broker.url else set())


def open_store(settings: Settings) -> Folder:
    """The store of a node's settings."""
    return Folder(settings.data / "store", min_free_bytes=settings.dicom.min_free_mb * MIB)


def build(settings: Settings, roles: Collection[Role] | None = None, now: Callable[[], datetime] = utc_now) -> Node:
    """Put a node together; its schema is brought up to date and its ports are taken.

    Args:
        roles: what it does; without them, everything that its settings leave to it.

    Raises:
        SettingsError: the console would be shown to other machines unguarded, or a certificate cannot be used.
        OSError: a port is in use or the data folder cannot be written.
        db.errors.DatabaseError: the database cannot be used.
    """
    read_as_it_comes()
    roles = roles_of(settings) if roles is None else frozenset(roles)
    if Role.WORK in roles and settings.broker.url is not None:
        raise SettingsError("with [broker] the work is done by `celery -A node.celery_app worker`, not by role work")
    if Role.CONSOLE in roles:
        require_encrypted(settings.console.host, encrypted=settings.console.tls_certificate is not None)
    for port, name in ((settings.dicom, "dicom"), (settings.hl7, "hl7")):
        _tls(port, name)  # files that cannot be used are said before anything is opened
    descriptors.provide(_descriptors(settings))
    database = open_database(settings)
    migration.upgrade(database)
    if Role.CONSOLE in roles:
        with database.read() as connection:
            require_people(settings.console.host, people.enabled_count(connection))
    store = open_store(settings)
    observer, traces = observe(settings)
    watch = watch_over(settings, database, observer.metrics, reads=Role.WORK in roles)
    services: list[Service] = [*traces, *endpoints(settings, watch)]
    queue = LocalQueue(_lanes(settings), [each.name for each in settings.destinations])
    announce: Announce = queue.announce
    if settings.broker.url is not None:
        broker = _broker(settings, database)
        services.append(broker)
        announce = broker.announce
    desk = open_desk(settings, database, store, announce, now)
    if Role.RECONCILE in roles:
        services.append(_reconciler(settings, database, store, announce, now, metrics=observer.metrics))
        if settings.retention.on:
            services.append(Beat("retention", RETENTION_EVERY_S, open_retention(settings, database, store, now).run))
    if Role.WORK in roles:
        services.append(
            _Threads(queue=queue, workshop=_workshop(settings, database, store, desk, now, observer=observer))
        )
    if Role.SCP in roles:
        services += _receivers(settings, database, store, desk, now, observer=observer)
    if Role.HL7 in roles:
        services += _reports(settings, database, now, metrics=observer.metrics)
    if Role.CONSOLE in roles:
        Stock(observer.metrics.registry, database, now)
        services.append(_console(settings, database, now, watch=watch))
    return Node(settings=settings, roles=roles, database=database, store=store, services=tuple(services))


def observe(settings: Settings) -> tuple[Observer, tuple[Service, ...]]:
    """What watches the work of a process, and what sends its traces if they are wanted."""
    if settings.traces.endpoint is None:
        return Observer(metrics=measure()), ()
    try:
        from node.telemetry import traces  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SettingsError(f"[traces] needs the extra `traces` ({error.name} is not installed)") from error

    sent = traces.to(settings.traces.endpoint)
    return Observer(metrics=measure(), span=sent.span), (sent,)


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


def read_as_it_comes() -> None:
    """A peer's odd values are read as they are; to warn of each is to quote it."""
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE


def open_desk(
    settings: Settings, database: Database, store: Folder, announce: Announce, now: Callable[[], datetime]
) -> Desk:
    """What knows about storage commitment."""
    reachable = {peer.ae_title for peer in settings.dicom.peers if peer.host is not None}
    return Desk(database=database, store=store, reachable=reachable, announce=announce, now=now)


def _broker(settings: Settings, database: Database) -> "Broker":
    try:
        from node.celery_app import Broker  # noqa: PLC0415 - Celery is for a cluster
    except ImportError as error:
        raise SettingsError(f"[broker] needs the extra `cluster` ({error.name} is not installed)") from error

    if not settings.broker.has_password:
        log.warning("the broker asks for no password; whoever reaches it can hold up work")
    return Broker(settings.broker, database)


def _reconciler(
    settings: Settings,
    database: Database,
    store: Folder,
    announce: Announce,
    now: Callable[[], datetime],
    *,
    metrics: Metrics,
) -> Reconciler:
    return Reconciler(
        database=database,
        announce=announce,
        on_dead=study_failed,
        chores=(store.sweep,),
        tick_s=settings.work.tick_s,
        metrics=metrics,
        now=now,
        longest=Longest(
            quiet_s=settings.study.quiet_s or RELEASE_FALLBACK_S,
            lease_s=settings.work.lease_s,
            retry_s=LONGEST_DELAY_S,
        ),
    )


def open_retention(settings: Settings, database: Database, store: Folder, now: Callable[[], datetime]) -> Retention:
    """What is removed by the settings of a node."""
    chosen = settings.retention
    return Retention(
        database=database,
        store=store,
        rule=Rule(states=tuple(map(StudyState, chosen.states)), keep_labelled=chosen.keep_labelled),
        ages={Holding.INSTANCE: _days(chosen.received_days), Holding.RESULT: _days(chosen.results_days)},
        keep_free_bytes=round((chosen.keep_free_gb or 0) * GB),
        at_most_bytes=None if chosen.at_most_gb is None else round(chosen.at_most_gb * GB),
        now=now,
    )


def _days(number: float | None) -> timedelta | None:
    return None if number is None else timedelta(days=number)


def _workshop(
    settings: Settings,
    database: Database,
    store: Folder,
    desk: Desk,
    now: Callable[[], datetime],
    *,
    observer: Observer,
) -> "Workshop":
    from node import workshop  # noqa: PLC0415 - who only receives loads neither models nor makers of results

    return workshop.build(settings, database, store, desk, now, observer=observer)


def _lanes(settings: Settings) -> dict[JobKind, int]:
    """How many threads there are for each kind of job."""
    return {
        JobKind.READ: settings.reading.workers,
        JobKind.DELIVER: settings.work.delivery_workers,
        JobKind.COMMIT: min(1, settings.work.delivery_workers),
        JobKind.MINE: min(1, settings.mining.workers),  # one job at a time, on all the processes
        JobKind.SHADOW: min(1, settings.reading.workers),  # where studies are read, and never two beside them
    }


def open_intake(
    settings: Settings, database: Database, store: Folder, *, read: bool, now: Callable[[], datetime]
) -> Intake:
    """The intake of a node's settings; without `read`, what it receives is kept and not read."""
    return Intake(
        store=store,
        database=database,
        register=Register(database=database, store=store),
        quiet_s=settings.study.quiet_s if read else None,
        max_instance_bytes=settings.dicom.max_instance_mb * MIB,
        now=now,
    )


def _receivers(
    settings: Settings,
    database: Database,
    store: Folder,
    desk: Desk,
    now: Callable[[], datetime],
    *,
    observer: Observer,
) -> list[Service]:
    """What receives DICOM: in this process, or in several that share the port."""
    count = settings.dicom.processes
    if count == 1:
        return _reception(settings, database, store, desk, now, observer=observer)
    return [Receivers(host=settings.host, port=settings.dicom.port, count=count, make=partial(_receiver, settings))]


def _receiver(settings: Settings, port: int) -> Node:
    """One of several receivers, in its own process."""
    logs.configure(settings.log.level, settings.log.format)
    read_as_it_comes()
    settings = settings.model_copy(update={"dicom": settings.dicom.model_copy(update={"port": port})})
    database, store = open_database(settings), open_store(settings)
    desk = open_desk(settings, database, store, LocalQueue({}).announce, utc_now)
    observer, traces = observe(settings)
    watch = watch_over(settings, database, observer.metrics, reads=False)
    reception = _reception(settings, database, store, desk, utc_now, observer=observer)
    services = (*traces, *endpoints(settings, watch), *reception)
    return Node(settings=settings, roles=frozenset({Role.SCP}), database=database, store=store, services=services)


def _descriptors(settings: Settings) -> int:
    """Two connections an association (`Places`), a file it writes, and what everything else takes."""
    return LOW + 3 * settings.dicom.max_associations + settings.hl7.max_connections


def _reception(
    settings: Settings,
    database: Database,
    store: Folder,
    desk: Desk,
    now: Callable[[], datetime],
    *,
    observer: Observer,
) -> list[Service]:
    """What receives DICOM, in this process."""
    dicom = settings.dicom
    rejections = Rejections(database=database, action="association.reject", now=now)
    intake = open_intake(settings, database, store, read=True, now=now)

    scp = Scp(
        host=settings.host,
        port=dicom.port,
        acceptance=Acceptance(
            ae_title=dicom.ae_title,
            peers=tuple(
                Peer(ae_title=peer.ae_title, networks=peer.addresses, certificate_name=peer.certificate_name)
                for peer in dicom.peers
            ),
        ),
        intake=intake,
        moved=replace(intake, quiet_s=None),  # `cxr pull` says whether these are read
        on_reject=rejections,
        commitment=desk,
        limits=Limits(idle_s=dicom.idle_s, pdu_s=dicom.pdu_s),
        tls=_tls(dicom, "dicom"),
        max_associations=dicom.max_associations,
        max_per_address=dicom.max_associations_per_address,
        shared=dicom.processes > 1,
        observer=observer,
    )
    return [rejections, scp]


def _reports(settings: Settings, database: Database, now: Callable[[], datetime], *, metrics: Metrics) -> list[Service]:
    """What receives HL7."""
    hl7 = settings.hl7
    rejections = Rejections(database=database, action="connection.refuse", now=now)
    listener = Listener(
        host=settings.host,
        port=hl7.port,
        networks=hl7.peers,
        receive=hl7_intake.Intake(
            database=database, accession_from=hl7.accession_from, metrics=metrics, now=now
        ).receive,
        on_reject=partial(rejections, "mllp"),
        limits=hl7_connection.Limits(
            max_message_bytes=hl7.max_message_mb * MIB,
            max_connections=hl7.max_connections,
            message_s=hl7.message_s,
            idle_s=hl7.idle_s,
        ),
        tls=_tls(hl7, "hl7"),
    )
    return [rejections, listener]


def _console(settings: Settings, database: Database, now: Callable[[], datetime], *, watch: Watch) -> Server:
    console = settings.console
    chain = console.tls_certificate
    return Server(
        host=console.host,
        port=console.port,
        app=app.build(
            database=database,
            data=settings.data,
            ae_title=settings.dicom.ae_title,
            encrypted=chain is not None,
            lifetime=Lifetime(idle=timedelta(minutes=console.idle_min), longest=timedelta(hours=console.session_hours)),
            now=now,
            watch=watch,
            watched=PATHS if is_loopback(console.host) else (HEALTHZ,),
        ),
        certificate=None if chain is None else Certificate(chain=chain, key=console.tls_key),
    )


def _tls(port: DicomSettings | Hl7Settings, name: str) -> ssl.SSLContext | None:
    if port.tls_certificate is None:
        return None
    return ServerTls(Files(certificate=port.tls_certificate, key=port.tls_key, clients=port.tls_clients), name).context

"""Where a node is put together from its settings; the only place that knows which parts there are."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pydicom

from db import audit, migration, models, studies
from db.clock_steps import Longest
from db.engine import Connection, Database
from db.records import Holding, Job, JobKind, StudyState
from db.retention import Rule
from inference.eligibility import Policy
from inference.isolation import Isolated
from nlp.workers import Pool
from node.clock import Clock, utc_now
from node.console import app
from node.console.server import Server, require_loopback
from node.database import open_database
from node.destinations import outbound
from node.destinations.commitment import LONGEST_DELAY_S, Answering, Desk
from node.destinations.delivery import Delivery
from node.destinations.outbound import Outbound
from node.destinations.retraction import Retraction
from node.dicom.acceptance import Acceptance, Peer
from node.dicom.association import Limits
from node.dicom.reporter import Reporter
from node.dicom.scp import Scp
from node.errors import SettingsError
from node.files import Folder
from node.hl7 import connection as hl7_connection
from node.hl7 import intake as hl7_intake
from node.hl7.listener import Listener
from node.intake import RELEASE_FALLBACK_S, Intake
from node.mining import ReportMining
from node.models.service import Service
from node.models.shadow import Shadow
from node.models.starter import install_starter
from node.pipeline import Pipeline
from node.queue import LocalQueue
from node.reconcile import Reconciler
from node.register import Register
from node.settings import MIB, Settings
from node.upkeep.beat import Beat
from node.upkeep.retention import Retention
from node.worker import Handler, Worker

RETENTION_EVERY_S = 600.0
GB = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node, put together and not yet started."""

    settings: Settings
    database: Database
    store: Folder
    scp: Scp
    listener: Listener
    console: Server
    queue: LocalQueue
    reconciler: Reconciler
    worker: Worker
    mining: ReportMining
    shadow: Shadow
    outbound: Outbound
    images: Isolated
    retention: Beat

    def start(self) -> None:
        """Start in this order; each step finds the work of the ones before it done.

        1. Sweep: what killed processes left half written is removed, before anything new is begun.
        2. Reconcile: leases that ran out go back to the queue, studies that became quiet meanwhile become jobs.
        3. Mining catches up: versions that the miner in force has not mined become its job.
        4. Work: the threads take jobs up, those that a kill left behind first.
        5. Reconcile from now on, and remove what retention asks for.
        6. Peers are let in, last of all: DICOM, HL7, then the console, which says that the node is there.

        The database was brought up to date, and the ports were taken, when the node was built; whoever calls before
        the last step waits in the backlog.
        """
        self.store.sweep()
        self.reconciler.tick()
        if self.settings.mining.workers:
            self.mining.catch_up()
        self.queue.start(self.worker.run_one)
        self.reconciler.start()
        self.retention.start()
        self.scp.start()
        self.listener.start()
        self.console.start()

    def stop(self) -> None:
        """The other way round; what is running ends, what is waiting waits for the next start."""
        self.console.stop()
        self.listener.stop()
        self.scp.stop()
        self.reconciler.stop()
        self.retention.stop()
        self.mining.stop()
        self.shadow.stop()
        self.queue.stop()
        self.images.close()
        self.outbound.close()
        self.store.close()
        self.database.close()


def open_store(settings: Settings) -> Folder:
    """The store of a node's settings."""
    return Folder(settings.data / "store", min_free_bytes=settings.dicom.min_free_mb * MIB)


def build(settings: Settings, now: Callable[[], datetime] = utc_now) -> Node:
    """Put a node together; its schema is brought up to date and its ports are taken.

    Raises:
        SettingsError: the console would be shown to other machines, or a certificate cannot be used.
        OSError: a port is in use or the data folder cannot be written.
        db.errors.DatabaseError: the database cannot be used.
    """
    # A peer's odd values are read as they are; to warn of each is to quote it.
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    require_loopback(settings.console.host)
    tls = _tls(settings)
    database = open_database(settings)
    migration.upgrade(database)
    store = open_store(settings)
    install_starter(database, settings.data / "models", now())
    queue = LocalQueue(_lanes(settings), [each.name for each in settings.destinations])
    desk = Desk(
        database=database,
        store=store,
        reachable={peer.ae_title for peer in settings.dicom.peers if peer.host is not None},
        announce=queue.announce,
        now=now,
    )
    ways_out = outbound.build(settings, desk.reported)
    mining = _mining(settings, database, now)
    images = Isolated(max(1, settings.reading.workers))
    shadow = _shadow(settings, database, store, images, now)
    worker = Worker(
        database=database,
        handlers=_handlers(settings, database, store, images, ways_out, now=now)
        | {
            JobKind.MINE: mining,
            JobKind.SHADOW: shadow,
            JobKind.COMMIT: Answering(
                database=database,
                desk=desk,
                modalities=ways_out.modalities,
                send=Reporter(settings.dicom.ae_title),
                now=now,
            ),
        },
        announce=queue.announce,
        on_dead=study_failed,
        lease_s=settings.work.lease_s,
        now=now,
    )
    reconciler = Reconciler(
        database=database,
        announce=queue.announce,
        on_dead=study_failed,
        tick_s=settings.work.tick_s,
        now=now,
        longest=Longest(
            quiet_s=settings.study.quiet_s or RELEASE_FALLBACK_S,
            lease_s=settings.work.lease_s,
            retry_s=LONGEST_DELAY_S,
        ),
    )
    scp = _scp(settings, database, store, desk, now)
    listener = _listener(settings, database, tls, now)
    console = Server(
        host=settings.console.host,
        port=settings.console.port,
        app=app.build(database, settings.data, settings.dicom.ae_title),
    )
    return Node(
        settings=settings,
        database=database,
        store=store,
        scp=scp,
        listener=listener,
        console=console,
        queue=queue,
        reconciler=reconciler,
        worker=worker,
        mining=mining,
        shadow=shadow,
        outbound=ways_out,
        images=images,
        retention=_retention(settings, database, store, now),
    )


def _lanes(settings: Settings) -> dict[JobKind, int]:
    """How many threads there are for each kind of job."""
    return {
        JobKind.READ: settings.reading.workers,
        JobKind.DELIVER: settings.work.delivery_workers,
        JobKind.COMMIT: min(1, settings.work.delivery_workers),
        JobKind.MINE: min(1, settings.mining.workers),  # one job at a time, on all the processes
        JobKind.SHADOW: min(1, settings.reading.workers),  # where studies are read, and never two beside them
    }


def _mining(settings: Settings, database: Database, now: Callable[[], datetime]) -> ReportMining:
    return ReportMining(
        database=database,
        pool=Pool(settings.mining.language_model, settings.mining.workers),
        language_model=settings.mining.language_model,
        policy=settings.mining.policy,
        now=now,
    )


def _shadow(
    settings: Settings, database: Database, store: Folder, images: Isolated, now: Callable[[], datetime]
) -> Shadow:
    return Shadow(
        store=store,
        database=database,
        model=Service(database=database, path=None, threads=1, part=models.shadow),
        policy=_policy(settings),
        max_pixels=settings.reading.max_pixels,
        read_image=images.read,
        now=now,
    )


def open_retention(settings: Settings, database: Database, store: Folder, now: Clock) -> Retention:
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


def _retention(settings: Settings, database: Database, store: Folder, now: Clock) -> Beat:
    retention = open_retention(settings, database, store, now)
    return Beat("retention", RETENTION_EVERY_S if settings.retention.on else None, retention.run)


def _days(number: float | None) -> timedelta | None:
    return None if number is None else timedelta(days=number)


def _policy(settings: Settings) -> Policy:
    """Which images are read."""
    return Policy(
        accept_unknown_view=settings.reading.accept_unknown_view,
        accept_unknown_body_part=settings.reading.accept_unknown_body_part,
    )


def _handlers(
    settings: Settings, database: Database, store: Folder, images: Isolated, ways_out: Outbound, *, now: Clock
) -> dict[JobKind, Handler]:
    """What is done for each kind of job."""
    reading = settings.reading
    pipeline = Pipeline(
        store=store,
        database=database,
        current_model=Service(database=database, path=reading.model, threads=reading.threads),
        policy=policy(settings),
        max_pixels=reading.max_pixels,
        read_image=images.read,
        destinations=outbound.routes(settings),
        report_unread=reading.report_unread,
        now=now,
    )
    delivery = Delivery(
        store=store,
        database=database,
        destinations=ways_out.recipients,
        now=now,
    )
    return {
        JobKind.READ: pipeline,
        JobKind.DELIVER: delivery,
        JobKind.RETRACT: Retraction(store=store, database=database, deliver=delivery),
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


def policy(settings: Settings) -> Policy:
    """What is let through where a header is silent."""
    return Policy(
        accept_unknown_view=settings.reading.accept_unknown_view,
        accept_unknown_body_part=settings.reading.accept_unknown_body_part,
    )


def _scp(settings: Settings, database: Database, store: Folder, desk: Desk, now: Callable[[], datetime]) -> Scp:
    dicom = settings.dicom
    intake = open_intake(settings, database, store, read=True, now=now)

    def audit_rejection(calling_ae: str, address: str, reason: str) -> None:
        with database.write() as connection:
            audit.append(
                connection,
                actor=calling_ae,
                action="association.reject",
                subject=address,
                now=now(),
                detail={"reason": reason},
            )

    return Scp(
        host=settings.host,
        port=dicom.port,
        acceptance=Acceptance(
            ae_title=dicom.ae_title,
            peers=tuple(Peer(ae_title=peer.ae_title, networks=peer.addresses) for peer in dicom.peers),
        ),
        intake=intake,
        moved=replace(intake, quiet_s=None),  # `cxr pull` says whether these are read
        on_reject=audit_rejection,
        commitment=desk,
        limits=Limits(idle_s=dicom.idle_s, pdu_s=dicom.pdu_s),
        max_associations=dicom.max_associations,
        max_per_address=dicom.max_associations_per_address,
    )


def _listener(
    settings: Settings, database: Database, tls: ssl.SSLContext | None, now: Callable[[], datetime]
) -> Listener:
    hl7 = settings.hl7

    def audit_refusal(address: str, reason: str) -> None:
        with database.write() as connection:
            audit.append(
                connection,
                actor="mllp",
                action="connection.refuse",
                subject=address,
                now=now(),
                detail={"reason": reason},
            )

    return Listener(
        host=settings.host,
        port=hl7.port,
        networks=hl7.peers,
        receive=hl7_intake.Intake(database=database, accession_from=hl7.accession_from, now=now).receive,
        on_reject=audit_refusal,
        limits=hl7_connection.Limits(
            max_message_bytes=hl7.max_message_mb * MIB,
            max_connections=hl7.max_connections,
            message_s=hl7.message_s,
            idle_s=hl7.idle_s,
        ),
        tls=tls,
    )


def _tls(settings: Settings) -> ssl.SSLContext | None:
    hl7 = settings.hl7
    if hl7.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(hl7.tls_certificate, hl7.tls_key)
        if hl7.tls_clients is not None:
            context.load_verify_locations(hl7.tls_clients)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise SettingsError("hl7.tls_certificate, tls_key or tls_clients cannot be used; give PEM files") from error
    return context


def study_failed(connection: Connection, job: Job) -> None:
    """A study whose reading died is shown as failed."""
    if job.kind is JobKind.READ:
        studies.end_revision(connection, job.subject_id, job.revision, StudyState.FAILED)

"""What lets modalities and the RIS in, put together from the settings."""

import ssl
from dataclasses import replace
from functools import partial

from db.engine import Database
from node.database import open_database
from node.destinations.commitment import Desk
from node.dicom.acceptance import Acceptance, Peer
from node.dicom.association import Limits
from node.dicom.scp import Scp
from node.hl7 import connection as hl7_connection
from node.hl7 import intake as hl7_intake
from node.hl7.listener import Listener
from node.parts import Door, Node, NodeRole, Service
from node.premises import Premises, open_intake, open_store, read_as_it_comes
from node.process import logs
from node.process.clock import utc_now
from node.process.descriptors import LOW
from node.process.heartbeat import Heartbeat
from node.queue import LocalQueue
from node.reception.receivers import Receivers
from node.reception.rejections import Rejections
from node.sections.receiving import DicomSettings, Hl7Settings
from node.sections.running import ConsoleSettings
from node.settings import MIB, Settings
from node.telemetry import readiness
from node.telemetry.readiness import Check
from node.transport.tls import Files, ServerTls
from node.watching import endpoints, observe, watch_over

Opened = tuple[Door, tuple[Service, ...]]
"""A door, and what must run before it."""


def dicom(premises: Premises, desk: Desk) -> Opened:
    """What receives DICOM: in this process, or in several that share the port."""
    settings = premises.settings
    count = settings.dicom.processes
    if count == 1:
        return _scp(premises, desk)
    return Receivers(host=settings.host, port=settings.dicom.port, count=count, make=partial(_receiver, settings)), ()


def _receiver(settings: Settings, port: int) -> Node:
    """One of several receivers, in its own process."""
    logs.configure(settings.log.level, settings.log.format)
    read_as_it_comes()
    settings = settings.model_copy(update={"dicom": settings.dicom.model_copy(update={"port": port})})
    database = open_database(settings)
    observer, traces = observe(settings, database)
    premises = Premises(
        settings=settings,
        database=database,
        store=open_store(settings),
        announce=LocalQueue({}).announce,  # the reconciler, elsewhere, finds what is to be done
        observer=observer,
        now=utc_now,
    )
    watch = watch_over(settings, database, observer.metrics, reads=False)
    scp, before = _scp(premises, premises.desk())
    return Node(
        settings=settings,
        roles=frozenset({NodeRole.SCP}),
        database=premises.database,
        store=premises.store,
        services=(
            *traces,
            *endpoints(settings, watch),
            Heartbeat(database, [NodeRole.SCP], utc_now),
            *before,
            scp,
        ),
        doors={NodeRole.SCP: scp},
    )


def _scp(premises: Premises, desk: Desk) -> Opened:
    """What receives DICOM, in this process."""
    settings, now = premises.settings, premises.now
    dicom = settings.dicom
    rejections = Rejections(database=premises.database, action="association.reject", now=now)
    intake = open_intake(settings, premises.database, premises.store, read=True, now=now)
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
        tls=tls_of(dicom, "dicom"),
        max_associations=dicom.max_associations,
        max_per_address=dicom.max_associations_per_address,
        shared=dicom.processes > 1,
        observer=premises.observer,
    )
    return scp, (rejections,)


def hl7(premises: Premises) -> Opened:
    """What receives HL7."""
    settings, database, now = premises.settings, premises.database, premises.now
    hl7 = settings.hl7
    rejections = Rejections(database=database, action="connection.refuse", now=now)
    listener = Listener(
        host=settings.host,
        port=hl7.port,
        networks=hl7.peers,
        receive=hl7_intake.Intake(
            database=database,
            accession_from=hl7.accession_from,
            metrics=premises.observer.metrics,
            now=now,
            disk=_room_for_messages(settings, database),
        ).receive,
        on_reject=partial(rejections, "mllp"),
        limits=hl7_connection.Limits(
            max_message_bytes=hl7.max_message_mb * MIB,
            max_connections=hl7.max_connections,
            message_s=hl7.message_s,
            idle_s=hl7.idle_s,
        ),
        tls=tls_of(hl7, "hl7"),
    )
    return listener, (rejections,)


def _room_for_messages(settings: Settings, database: Database) -> Check:
    """The floor of free space holds for messages too where they are kept in a file of this machine."""
    if database.folder is None:
        return lambda: None
    return readiness.disk_has_room(database.folder, settings.dicom.min_free_mb * MIB)


def tls_of(port: DicomSettings | Hl7Settings | ConsoleSettings, name: str) -> ssl.SSLContext | None:
    """How a port is encrypted, if it is.

    Raises:
        SettingsError: its files cannot be used.
    """
    if port.tls_certificate is None:
        return None
    clients = None if isinstance(port, ConsoleSettings) else port.tls_clients  # people log in
    return ServerTls(Files(certificate=port.tls_certificate, key=port.tls_key, clients=clients), name).context


def descriptors_for(settings: Settings) -> int:
    """Two connections an association (`Places`), a file it writes, and what everything else takes."""
    return LOW + 3 * settings.dicom.max_associations + settings.hl7.max_connections

"""Where a node is put together from its settings; the only place that knows which parts there are."""

import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from db import migration, people
from db.clock_steps import Longest
from db.engine import Database
from db.records import Holding, JobKind, StudyState
from db.retention import Rule
from db.sessions import Lifetime
from nlp.workers import Pool
from node.auditing import dispatch
from node.auditing.transfers import Transfers
from node.console.exposure import is_loopback, require_encrypted, require_people
from node.console.live import Live
from node.console.server import Server
from node.database import open_database
from node.destinations.commitment import LONGEST_DELAY_S
from node.destinations.routes import back_to
from node.errors import SettingsError
from node.files import Folder
from node.intake import RELEASE_FALLBACK_S
from node.labels import tallies
from node.labels.ledger import Ledger
from node.labels.trials import Trials
from node.parts import Door, Node, NodeRole, Service
from node.pictures.shelf import open_shelf
from node.premises import Premises, open_store, read_as_it_comes
from node.process import descriptors
from node.process.beat import Beat
from node.process.clock import utc_now
from node.process.heartbeat import Heartbeat
from node.queue import LocalQueue
from node.reception import entrance
from node.reception.entrance import Opened
from node.reconcile import Reconciler, study_failed
from node.settings import Settings
from node.telemetry.forwarding import Forwarding
from node.telemetry.stock import Stock
from node.telemetry.watch import HEALTHZ, PATHS, Watch
from node.upkeep.retention import Retention
from node.watching import endpoints, observe, watch_over
from node.worker import Announce
from training.pseudonym import of_site

if TYPE_CHECKING:
    from node.celery_app import Broker
    from node.identity.identity import Identity
    from node.pictures.gallery import Gallery
    from node.workshop import Workshop

log = logging.getLogger(__name__)

RETENTION_EVERY_S = 600.0
COUNTING_EVERY_S = 60.0
GB = 1_000_000_000


def roles_of(settings: Settings) -> frozenset[NodeRole]:
    """What a node does when nobody says: everything, but for the work that a cluster's workers do."""
    return frozenset(NodeRole) - ({NodeRole.WORK} if settings.broker.url else set())


def build(settings: Settings, roles: Collection[NodeRole] | None = None, now: Callable[[], datetime] = utc_now) -> Node:
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
    _require_sense(settings, roles)
    descriptors.provide(entrance.descriptors_for(settings))
    database = _open_database(settings, roles)
    observer, services = observe(settings, database)
    watch = watch_over(settings, database, observer.metrics, reads=NodeRole.WORK in roles)
    services = (*services, *endpoints(settings, watch), Heartbeat(database, roles, now))
    queue = LocalQueue(_lanes(settings), _ways_out(settings))
    announce: Announce = queue.announce
    if settings.broker.url is not None:
        broker = _broker(settings, database)
        services, announce = (*services, broker), broker.announce
    store = open_store(settings)
    premises = Premises(
        settings=settings, database=database, store=store, announce=announce, observer=observer, now=now
    )
    doors: dict[NodeRole, Door] = {}
    if NodeRole.RECONCILE in roles:
        services += _reconciling(premises)
    if NodeRole.WORK in roles:
        services = (*services, _Threads(queue=queue, workshop=_workshop(premises)))
    for role, opened in _doors(premises, watch, roles):
        doors[role], before = opened
        services = (*services, *before, doors[role])
    return Node(settings=settings, roles=roles, database=database, store=store, services=services, doors=doors)


def _require_sense(settings: Settings, roles: frozenset[NodeRole]) -> None:
    """Refuse what cannot be, before anything is opened."""
    if NodeRole.WORK in roles and settings.broker.url is not None:
        raise SettingsError("with [broker] the work is done by `celery -A node.celery_app worker`, not by role work")
    if NodeRole.CONSOLE in roles:
        require_encrypted(settings.console.host, encrypted=settings.console.tls_certificate is not None)
        entrance.tls_of(settings.console, "console")
    entrance.tls_of(settings.dicom, "dicom")
    entrance.tls_of(settings.hl7, "hl7")


def _open_database(settings: Settings, roles: frozenset[NodeRole]) -> Database:
    database = open_database(settings)
    migration.upgrade(database)
    if NodeRole.CONSOLE in roles and settings.console.oidc is None:
        with database.read() as connection:
            require_people(settings.console.host, people.enabled_count(connection))
    return database


def _doors(premises: Premises, watch: Watch, roles: frozenset[NodeRole]) -> Iterator[tuple[NodeRole, Opened]]:
    """Peers are let in before people are told so."""
    if NodeRole.SCP in roles:
        yield NodeRole.SCP, entrance.dicom(premises, premises.desk())
    if NodeRole.HL7 in roles:
        yield NodeRole.HL7, entrance.hl7(premises)
    if NodeRole.CONSOLE in roles:
        Stock(premises.observer.metrics.registry, premises.database, premises.now, premises.settings.agreement.within)
        if premises.settings.audit.syslog is not None:
            Forwarding(premises.observer.metrics.registry, premises.database, premises.now)
        gallery = _gallery(premises)
        yield NodeRole.CONSOLE, (_console(premises, watch, gallery), (gallery,))


def _broker(settings: Settings, database: Database) -> "Broker":
    try:
        from node.celery_app import Broker  # noqa: PLC0415 - Celery is for a cluster
    except ImportError as error:
        raise SettingsError(f"[broker] needs the extra `cluster` ({error.name} is not installed)") from error

    if not settings.broker.has_password:
        log.warning("the broker asks for no password; whoever reaches it can hold up work")
    return Broker(settings.broker, database)


def _reconciling(premises: Premises) -> tuple[Service, ...]:
    """What brings rows and work together, removes what a person lets go, and sends the audit log."""
    settings, now = premises.settings, premises.now
    reconciler = Reconciler(
        database=premises.database,
        announce=premises.announce,
        on_dead=study_failed,
        chores=(premises.store.sweep,),
        on_settled=Transfers(wanted=settings.audit.syslog is not None, now=now).received,
        tick_s=settings.work.tick_s,
        observer=premises.observer,
        now=now,
        longest=Longest(
            quiet_s=settings.study.quiet_s or RELEASE_FALLBACK_S,
            lease_s=settings.work.lease_s,
            retry_s=LONGEST_DELAY_S,
        ),
    )
    ledger = Ledger(database=premises.database)
    keeper = tallies.Keeper(database=premises.database, tallies=lambda: tallies.every(settings.mining), now=now)
    counting = Beat("counting", COUNTING_EVERY_S, keeper.run)
    services: tuple[Service, ...] = (reconciler, ledger, counting)
    if settings.retention.on:
        retention = open_retention(settings, premises.database, premises.store, now)
        services = (*services, Beat("retention", RETENTION_EVERY_S, retention.run))
    if settings.audit.syslog is not None:
        services = (dispatch.build(settings.audit, settings.dicom.ae_title, premises.database, now), *services)
    return services


def open_retention(settings: Settings, database: Database, store: Folder, now: Callable[[], datetime]) -> Retention:
    """What is removed by the settings of a node."""
    chosen = settings.retention
    return Retention(
        database=database,
        store=store,
        forget=open_shelf(settings).forget,
        rule=Rule(states=tuple(map(StudyState, chosen.states)), keep_labelled=chosen.keep_labelled),
        ages={Holding.INSTANCE: _days(chosen.received_days), Holding.RESULT: _days(chosen.results_days)},
        keep_free_bytes=round((chosen.keep_free_gb or 0) * GB),
        at_most_bytes=None if chosen.at_most_gb is None else round(chosen.at_most_gb * GB),
        now=now,
    )


def _days(number: float | None) -> timedelta | None:
    return None if number is None else timedelta(days=number)


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


def _workshop(premises: Premises) -> "Workshop":
    from node import workshop  # noqa: PLC0415 - who only receives loads neither models nor makers of results

    return workshop.build(premises, premises.desk())


def _lanes(settings: Settings) -> dict[JobKind, int]:
    """How many threads there are for each kind of job."""
    return {
        JobKind.READ: settings.reading.workers,
        JobKind.DELIVER: settings.work.delivery_workers,
        JobKind.COMMIT: min(1, settings.work.delivery_workers),
        JobKind.MINE: min(1, settings.mining.workers),  # one job at a time, on all the processes
        JobKind.SHADOW: min(1, settings.reading.workers),  # where studies are read, and never two beside them
        JobKind.TRAIN: min(1, settings.reading.workers),  # it waits for a process of its own
        JobKind.COMPARE: min(1, settings.reading.workers),
    }


def _ways_out(settings: Settings) -> list[str]:
    """Each destination, and each modality that results can go back to; they do not wait for one another."""
    modalities = [peer.ae_title for peer in settings.dicom.peers if peer.host is not None]
    return [
        name
        for each in settings.destinations
        for name in ([back_to(each.name, one) for one in modalities] if each.return_to_sender else [each.name])
    ]


def _gallery(premises: Premises) -> "Gallery":
    from node.pictures import gallery  # noqa: PLC0415 - only who shows the console decodes for it

    return gallery.open_gallery(premises)


def _identity(premises: Premises) -> "Identity | None":
    """The site's identity provider, if people log in by one; it is asked nothing yet."""
    if premises.settings.console.oidc is None:
        return None
    try:
        from node.identity import opening  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SettingsError(f"[console.oidc] needs the extra `oidc` ({error.name} is not installed)") from error

    return opening.identity_of(premises.settings.console.oidc, premises.now)


def _console(premises: Premises, watch: Watch, pictures: "Gallery") -> Server:
    from node.console import app  # noqa: PLC0415 - who has no console loads none of its pages

    settings, console = premises.settings, premises.settings.console
    tls = entrance.tls_of(console, "console")
    live = Live(premises.database)
    return Server(
        host=console.host,
        port=console.port,
        app=app.build(
            settings=settings,
            database=premises.database,
            store=premises.store,
            announce=premises.announce,
            encrypted=tls is not None,
            lifetime=Lifetime(idle=timedelta(minutes=console.idle_min), longest=timedelta(hours=console.session_hours)),
            now=premises.now,
            watch=watch,
            trials=Trials(
                database=premises.database,
                miners=lambda sources: Pool(settings.mining.language_model, 1, sources),
                language_model=settings.mining.language_model,
                policy=settings.mining.policy,
                now=premises.now,
            ),
            live=live,
            pictures=pictures,
            identity=_identity(premises),
            pseudonyms=of_site(settings.data) if console.mask_patients else None,
            watched=PATHS if is_loopback(console.host) else (HEALTHZ,),
        ),
        tls=tls,
        closing=live.close,
    )

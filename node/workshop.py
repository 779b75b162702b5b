"""The workshop: what is done for each kind of job, put together from the settings.

Only a process that runs jobs loads this: one that receives needs neither the models' runtime nor the makers of results.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from db import models
from db.records import JobKind
from inference.isolation import Isolated
from nlp.workers import Pool
from node.auditing.transfers import Transfers
from node.destinations import outbound
from node.destinations.commitment import Answering, Desk
from node.destinations.delivery import Delivery
from node.destinations.outbound import Outbound
from node.destinations.retraction import Retraction
from node.dicom.reporter import Reporter
from node.labels.mining import ReportMining
from node.learning import snapshots
from node.learning.trainer import Trainer
from node.models.comparing import Comparing
from node.models.service import Service
from node.models.shadow import Shadow
from node.models.starter import install_starter
from node.pipeline import Pipeline
from node.premises import Premises
from node.reconcile import study_failed
from node.study.look import StoreLook
from node.study.outcome import Outcome
from node.worker import Handler, Overdue, Worker
from training.study_labels import Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What runs jobs, whichever thread or process calls its worker."""

    worker: Worker
    mining: ReportMining
    shadow: Shadow
    trainer: Trainer
    comparing: Comparing
    outbound: Outbound
    images: Isolated
    mines: bool

    def open(self) -> None:
        """Queue what was left undone by another miner."""
        if self.mines:
            self.mining.catch_up()

    def interrupt(self) -> None:
        """Let long jobs stop where they are; they go on later."""
        for each in (self.mining, self.shadow, self.trainer, self.comparing):
            each.stop()

    def close(self) -> None:
        """End the connections that are kept open, and the processes that decode images."""
        self.images.close()
        self.outbound.close()


def build(premises: Premises, desk: Desk, overdue: Overdue | None = None) -> Workshop:
    """Put a workshop together; on an empty registry the shipped model is the one that reads.

    Args:
        premises: of its process.
        desk: hears the commitment reports that come on associations of ours.
        overdue: told of a job that runs past its deadline.

    Raises:
        SettingsError: a certificate or key cannot be used.
        db.errors.DatabaseError: the database cannot be used.
    """
    settings, database, store, now = premises.settings, premises.database, premises.store, premises.now
    install_starter(database, settings.data, now())
    ways_out = outbound.build(settings, desk.reported)
    mining = _mining(premises)
    images = Isolated(max(1, settings.reading.workers))
    shadow = _shadow(premises, images)
    trainer, comparing = _trainer(premises), _comparing(premises)
    delivery = _delivery(premises, ways_out)
    handlers: Mapping[JobKind, Handler] = {
        JobKind.READ: _pipeline(premises, images),
        JobKind.DELIVER: delivery,
        JobKind.RETRACT: Retraction(
            store=store, database=database, deliver=delivery, language=settings.reading.language
        ),
        JobKind.MINE: mining,
        JobKind.SHADOW: shadow,
        JobKind.TRAIN: trainer,
        JobKind.COMPARE: comparing,
        JobKind.COMMIT: Answering(
            database=database,
            desk=desk,
            modalities=ways_out.modalities,
            send=Reporter(settings.dicom.ae_title),
            now=now,
        ),
    }
    worker = Worker(
        database=database,
        handlers={kind: premises.observer.handler(handler) for kind, handler in handlers.items()},
        announce=premises.announce,
        on_dead=study_failed,
        lease_s=settings.work.lease_s,
        deadline_s=settings.work.deadline_s,
        overdue=overdue,
        now=now,
    )
    mines = settings.mining.workers > 0
    return Workshop(
        worker=worker,
        mining=mining,
        shadow=shadow,
        trainer=trainer,
        comparing=comparing,
        outbound=ways_out,
        images=images,
        mines=mines,
    )


def _delivery(premises: Premises, ways_out: Outbound) -> Delivery:
    return Delivery(
        store=premises.store,
        database=premises.database,
        destinations=ways_out.recipients,
        now=premises.now,
        on_arrival=Transfers(wanted=premises.settings.audit.syslog is not None, now=premises.now).delivered,
    )


def _pipeline(premises: Premises, images: Isolated) -> Pipeline:
    settings, database = premises.settings, premises.database
    reading = settings.reading
    store, step, now = premises.store, premises.observer.step, premises.now
    return Pipeline(
        store=store,
        database=database,
        current_model=Service(database=database, data=settings.data, path=reading.model, threads=reading.threads),
        look=StoreLook(
            store=store,
            database=database,
            policy=reading.policy,
            max_pixels=reading.max_pixels,
            read_image=images.read,
            step=step,
            now=now,
        ),
        outcome=Outcome(destinations=outbound.routes(settings), now=now, discard=store.remove),
        report_unread=reading.report_unread,
        language=reading.language,
        step=step,
    )


def _mining(premises: Premises) -> ReportMining:
    mining = premises.settings.mining
    return ReportMining(
        database=premises.database,
        pool=Pool(mining.language_model, mining.workers),
        language_model=mining.language_model,
        policy=mining.policy,
        metrics=premises.observer.metrics,
        now=premises.now,
    )


def _shadow(premises: Premises, images: Isolated) -> Shadow:
    settings, database = premises.settings, premises.database
    return Shadow(
        store=premises.store,
        database=database,
        model=Service(database=database, data=settings.data, path=None, threads=1, part=models.shadow),
        policy=settings.reading.policy,
        max_pixels=settings.reading.max_pixels,
        read_image=images.read,
        now=premises.now,
    )


def _trainer(premises: Premises) -> Trainer:
    settings, database = premises.settings, premises.database

    def make_snapshot(findings: tuple[str, ...]) -> str:
        wanted = Wanted(findings=findings, policy=settings.mining.policy, after_result=False)
        made = snapshots.create(
            database,
            premises.store,
            data=settings.data,
            wanted=wanted,
            policy=settings.reading.policy,
            now=premises.now(),
            on_batch=lambda _number: None,
        )
        return made.sha256

    return Trainer(
        database=database,
        data=settings.data,
        make_snapshot=make_snapshot,
        place_of=_place_of(premises),
        now=premises.now,
    )


def _comparing(premises: Premises) -> Comparing:
    return Comparing(database=premises.database, data=premises.settings.data, place_of=_place_of(premises))


def _place_of(premises: Premises) -> Callable[[str], Path]:
    return lambda sha256: snapshots.folder_of(premises.settings.data, snapshots.find(premises.database, sha256))

"""The tables, as SQLAlchemy Core, a module a noun. `migrations/` builds them; a test holds the two together."""

from db.schema.columns import Utc, metadata
from db.schema.images import instance, positive, prediction, pull, study
from db.schema.labels import (
    concordance,
    concordance_count,
    gold,
    lexicon_trial,
    standing,
    standing_count,
    standing_label,
)
from db.schema.learning import comparison, frontal, model, snapshot, split, training_run, true_box
from db.schema.people import api_token, audit, audit_head, login_attempt, person, provider_subject, session, unmasking
from db.schema.reports import label, link, mention, message, mining, report, unlinked
from db.schema.results import commitment_request, delivery, result, trial
from db.schema.work import job, note, process

__all__ = [
    "Utc",
    "api_token",
    "audit",
    "audit_head",
    "commitment_request",
    "comparison",
    "concordance",
    "concordance_count",
    "delivery",
    "frontal",
    "gold",
    "instance",
    "job",
    "label",
    "lexicon_trial",
    "link",
    "login_attempt",
    "mention",
    "message",
    "metadata",
    "mining",
    "model",
    "note",
    "person",
    "positive",
    "prediction",
    "process",
    "provider_subject",
    "pull",
    "report",
    "result",
    "session",
    "snapshot",
    "split",
    "standing",
    "standing_count",
    "standing_label",
    "study",
    "training_run",
    "trial",
    "true_box",
    "unlinked",
    "unmasking",
]

"""Which model reads is a person's decision: what it takes, and what is written down.

Console and command line do the same here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from db import audit, awakening, comparisons, models, snapshots
from db.engine import Connection, Database
from db.errors import ModelStateError
from db.learning_records import Model
from node.errors import NodeError, SettingsError
from node.models import registry


class WorseError(NodeError):
    """A candidate is worse than the model that reads, or nobody knows whether it is; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a person has seen of a candidate.

    Args:
        over: the version that reads, beside which it was seen; None if none does.
        compared: the numbers, None if nothing was compared.
        objections: why it is worse, a sentence each.
    """

    over: str | None
    compared: Mapping[str, Any] | None = None
    objections: tuple[str, ...] = ()


def seen(connection: Connection, version: str, comparison_id: int, over: str | None) -> Evidence:
    """What a person has seen of a candidate who looked at a comparison that is kept.

    Raises:
        ModelStateError: there is none of this number, it came to nothing, or it is of other models.
    """
    found = comparisons.find(connection, comparison_id)
    if found is None or found.outcome is None or (found.candidate, found.current) != (version, over):
        raise ModelStateError("the comparison is of other models; look again")
    return Evidence(over=over, compared=found.outcome["compared"], objections=tuple(found.outcome["objections"]))


def ask_to_compare(database: Database, version: str, snapshot_sha256: str, *, by: str, now: datetime) -> None:
    """Have a candidate and the model that reads compared on a snapshot's test patients; asked again, it is the same.

    Raises:
        SettingsError: there is no such snapshot, or no other model that reads.
        db.errors.UnknownModelError: it is not registered.
    """
    with database.write() as connection:
        models.get(connection, version)
        current = models.current(connection)
        known = [each.sha256 for each in snapshots.beginning_with(connection, snapshot_sha256)]
        if current is None or current.version == version or known != [snapshot_sha256]:
            raise SettingsError("there is no such snapshot, or no other model that reads")
        queued = comparisons.ask(
            connection,
            candidate=version,
            current=current.version,
            snapshot_sha256=snapshot_sha256,
            by=by,
            now=now,
        )
        if queued:
            words = {"over": current.version, "snapshot": snapshot_sha256}
            audit.append(connection, actor=by, action="model.compare", subject=version, now=now, detail=words)


def require_better(version: str, evidence: Evidence) -> None:
    """Refuse a candidate that is worse, or of which nobody knows.

    Raises:
        WorseError: it is; a person may insist, and says why.
    """
    if evidence.over is None:
        return
    if evidence.compared is None:
        raise WorseError("nothing was compared: compare the two on a snapshot, or insist and give a reason")
    if evidence.objections:
        raise WorseError(
            f"{version} is not promoted. {' '.join(evidence.objections)} Who promotes it all the same insists and "
            "gives a reason"
        )


def promote(
    database: Database,
    data: Path,
    version: str,
    evidence: Evidence,
    *,
    by: str,
    now: datetime,
    insist: bool = False,
    reason: str = "",
) -> dict[str, Any]:
    """Let a candidate read from the next study on; what the audit log keeps of it is returned.

    Args:
        insist: also if it is worse, or was not compared; that takes a reason.

    Raises:
        WorseError: it is worse, and nobody insists.
        SettingsError: somebody insists without a reason, or it reads already.
        inference.errors.BundleError: its files are not whole.
        ModelStateError: another model reads than the one it was seen beside.
        db.errors.UnknownModelError: it is not registered.
    """
    if insist and not reason.strip():
        raise SettingsError("who insists says why; the reason is written down")
    if not insist:
        require_better(version, evidence)
    with database.read() as connection:
        candidate = models.get(connection, version)
    if evidence.over == version:
        raise SettingsError(f"{version} is the model that reads already")
    _prove(candidate, data)
    words = {
        "over": evidence.over,
        "compared": evidence.compared,
        "objections": list(evidence.objections),
        "forced": insist,
        "reason": reason,
    }
    with database.write() as connection:
        models.require_current(connection, evidence.over)
        models.promote(connection, version, by=by, now=now)
        awakening.wake_for_model(connection, now)
        audit.append(connection, actor=by, action="model.promote", subject=version, now=now, detail=words)
    return words


def roll_back(
    database: Database, data: Path, *, by: str, now: datetime, reason: str = "", seen: str | None = None
) -> dict[str, Any]:
    """Let the model read again that read before; what the audit log keeps of it is returned.

    Args:
        seen: the version that read when a person looked.

    Raises:
        SettingsError: no model read before.
        ModelStateError: another model reads by now.
        inference.errors.BundleError: the files of the one before are not whole.
    """
    with database.read() as connection:
        current, before = models.current(connection), models.previous(connection)
    if current is None or before is None:
        raise SettingsError("no model was promoted before the one that reads; `cxr models list` shows which there are")
    if seen is not None and seen != current.version:
        raise ModelStateError(f"{current.version} reads by now, not {seen}; look again")
    _prove(before, data)
    words = {"from": current.version, "to": before.version, "reason": reason}
    with database.write() as connection:
        models.require_current(connection, current.version)
        models.roll_back(connection, before.version, by=by, now=now)
        awakening.wake_for_model(connection, now)
        for action, version in (("model.rollback", current.version), ("model.reinstate", before.version)):
            audit.append(connection, actor=by, action=action, subject=version, now=now, detail=words)
    return words


def cast_shadow(database: Database, data: Path, version: str, *, by: str, now: datetime) -> None:
    """Let a model read every study after the current one has, unheard.

    Raises:
        ModelStateError: it is the one that reads.
        db.errors.UnknownModelError: it is not registered.
        inference.errors.BundleError: its files are not whole.
    """
    with database.read() as connection:
        found = models.get(connection, version)
    _prove(found, data)
    with database.write() as connection:
        models.cast_shadow(connection, version)
        audit.append(connection, actor=by, action="model.shadow", subject=version, now=now)


def end_shadow(database: Database, *, by: str, now: datetime) -> str | None:
    """Let no model read in the shadow any more. Returns the version of the one that did."""
    with database.write() as connection:
        ended = models.end_shadow(connection)
        if ended is not None:
            audit.append(connection, actor=by, action="model.shadow_off", subject=ended, now=now)
    return ended


def _prove(model: Model, data: Path) -> None:
    """Refuse a model whose files are not whole.

    Raises:
        inference.errors.BundleError: they are not.
    """
    from inference import admission  # noqa: PLC0415 - who shows pages loads no runtime before it is needed

    admission.prove(registry.bundle_of(model, data))

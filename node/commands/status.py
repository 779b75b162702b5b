"""`cxr status`: what the node is doing, at a glance."""

import shutil
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from db import audit_sending, backlog, deliveries, holdings, models, processes, studies
from db.backlog import Undone
from db.engine import Connection
from db.records import GONE, UNDER_WAY, JobState
from nlp.errors import NlpError
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table, settings_of
from node.labels import tallies
from node.labels.tallies import Counted, with_few
from node.process.clock import utc_now
from node.process.heartbeat import SILENT
from node.sections.running import MiningSettings
from node.settings import Settings

OF_WORK = (tallies.STUDIES, tallies.JOBS, tallies.DELIVERIES, tallies.ABSENT)


def status(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show how much there is in each state, what is not mined yet, the model in service and the room on the disk.

    Where there is much, what is done is counted every few minutes, and it says when (`counted_at`; of reports
    `reports_counted_at`); what is under way is counted now. --json has the processes that are alive and the queues
    with their age, too.

    Example: cxr status --json
    """
    settings = settings_of(config, data)
    with opened(config, data).read() as connection:
        facts = _facts(connection, settings)
    if as_json:
        print_json(facts)
    else:
        print_table(["what", "how many"], _rows(facts), empty="Nothing yet.")


def _facts(connection: Connection, settings: Settings) -> dict[str, Any]:
    """All of it, as --json has it."""
    model, shadow = models.current(connection), models.shadow(connection)
    by_link, unmined = tallies.look(connection, tallies.LINKS), _unmined(connection, settings.mining)
    versions = tallies.look(connection, tallies.VERSIONS)
    of_work = [tallies.look(connection, each) for each in OF_WORK]
    queues = backlog.undone(connection)
    return {
        "model": model.version if model else None,
        "shadow": shadow.version if shadow else None,
        "processes": processes.every(connection),
        "queues": queues,
        "studies": with_few(of_work[0], studies.counts(connection, UNDER_WAY), UNDER_WAY.__contains__),
        "jobs": with_few(of_work[1], _numbers(queues), lambda name: not name.endswith(f".{JobState.DONE}")),
        "deliveries": with_few(of_work[2], _unsettled(connection), _is_unsettled),
        "counted_at": _oldest(of_work),
        "undelivered": [
            {"destination": name, "code": code, "jobs": count, "error": words}
            for name, code, count, words in backlog.troubles(connection)
        ],
        "reports": by_link.value,
        "report_versions": versions.value,
        "unmined_report_versions": unmined and unmined.value,
        "reports_counted_at": _oldest([by_link, versions, *([unmined] if unmined else [])]),
        "audit_unsent": audit_sending.unsent(connection) if settings.audit.syslog else None,
        "absent_files": with_few(of_work[3], holdings.counts(connection, GONE), GONE.__contains__),
        "free_bytes": shutil.disk_usage(settings.data).free if settings.data.exists() else None,
    }


def _rows(facts: Mapping[str, Any]) -> list[tuple[str, object]]:
    """The same for a person."""
    rows: list[tuple[str, object]] = [("model in service", facts["model"] or "none")]
    if facts["shadow"]:
        rows.append(("model in its shadow", facts["shadow"]))
    rows.append(("processes, alive", sum(utc_now() - each.beat_at <= SILENT for each in facts["processes"])))
    for noun in ("studies", "jobs", "deliveries"):
        rows += [(f"{noun}, {state}", count) for state, count in sorted(facts[noun].items())]
    if facts["counted_at"]:
        rows.append(("what is done was counted at", facts["counted_at"]))
    for each in facts["undelivered"]:
        rows.append((f"to {each['destination']}: {each['error']}", each["jobs"]))
    linked = facts["reports"].get("linked", 0)
    rows += [("reports, linked", linked), ("reports, not linked", sum(facts["reports"].values()) - linked)]
    rows.append(("report versions", facts["report_versions"]))
    unmined = facts["unmined_report_versions"]
    rows.append(("report versions, not mined", "the miner is not installed" if unmined is None else unmined))
    if facts["reports_counted_at"]:
        rows.append(("reports were counted at", facts["reports_counted_at"]))
    rows += [(f"stored files, {absence}", count) for absence, count in sorted(facts["absent_files"].items())]
    if facts["audit_unsent"]:
        rows.append(("audit messages, not sent", facts["audit_unsent"].entries))
        rows += [("audit messages wait", fault) for fault in [facts["audit_unsent"].fault] if fault]
    if facts["free_bytes"] is not None:
        rows.append(("free on disk, GiB", f"{facts['free_bytes'] / 1024**3:.1f}"))
    return rows


def _numbers(queues: Iterable[Undone]) -> dict[str, int]:
    return {f"{each.kind}.{each.state}": each.count for each in queues}


def _unsettled(connection: Connection) -> dict[str, int]:
    return {f"{name}.{state}": count for name, state, count in deliveries.unsettled(connection)}


def _is_unsettled(name: str) -> bool:
    return name.rpartition(".")[2] in deliveries.UNSETTLED


def _oldest(counts: Iterable[Counted[Any]]) -> datetime | None:
    return min((each.counted_at for each in counts if each.counted_at), default=None)


def _unmined(connection: Connection, settings: MiningSettings) -> Counted[int] | None:
    """How many report versions the miner in force has not mined; None where it is not installed."""
    try:
        return tallies.look(connection, tallies.unmined(settings))
    except NlpError:
        return None

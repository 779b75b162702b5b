"""`cxr status`: what the node is doing, at a glance."""

import shutil
from typing import Any

from db import audit_sending, backlog, deliveries, holdings, models, processes, reports, studies
from db.engine import Connection
from nlp.errors import NlpError
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table, settings_of
from node.labels import tallies
from node.labels.tallies import Counted
from node.process.clock import utc_now
from node.process.heartbeat import SILENT
from node.sections.running import MiningSettings


def status(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show how much there is in each state, what is not mined yet, the model in service and the room on the disk.

    Where there are many reports they are counted every few minutes, and it says when (`reports_counted_at`).
    --json has the processes that are alive and the queues with their age, too.

    Example: cxr status --json
    """
    settings = settings_of(config, data)
    with opened(config, data).read() as connection:
        model, shadow = models.current(connection), models.shadow(connection)
        by_link, unmined = tallies.look(connection, tallies.LINKS), _unmined(connection, settings.mining)
        kept = [each.counted_at for each in (by_link, unmined) if each and each.counted_at]
        facts: dict[str, Any] = {
            "model": model.version if model else None,
            "shadow": shadow.version if shadow else None,
            "processes": processes.every(connection),
            "queues": backlog.undone(connection),
            "studies": studies.counts(connection),
            "jobs": backlog.counts(connection),
            "deliveries": deliveries.counts(connection),
            "undelivered": [
                {"destination": name, "code": code, "jobs": count, "error": words}
                for name, code, count, words in backlog.troubles(connection)
            ],
            "reports": by_link.value,
            "report_versions": reports.count(connection),
            "unmined_report_versions": unmined and unmined.value,
            "reports_counted_at": min(kept, default=None),
            "audit_unsent": audit_sending.unsent(connection) if settings.audit.syslog else None,
            "absent_files": holdings.counts(connection),
            "free_bytes": shutil.disk_usage(settings.data).free if settings.data.exists() else None,
        }
    if as_json:
        print_json(facts)
        return
    rows: list[tuple[str, object]] = [("model in service", facts["model"] or "none")]
    if facts["shadow"]:
        rows.append(("model in its shadow", facts["shadow"]))
    rows.append(("processes, alive", sum(utc_now() - each.beat_at <= SILENT for each in facts["processes"])))
    for noun in ("studies", "jobs", "deliveries"):
        rows += [(f"{noun}, {state}", count) for state, count in sorted(facts[noun].items())]
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
    print_table(["what", "how many"], rows, empty="Nothing yet.")


def _unmined(connection: Connection, settings: MiningSettings) -> Counted[int] | None:
    """How many report versions the miner in force has not mined; None where it is not installed."""
    try:
        return tallies.look(connection, tallies.unmined(settings))
    except NlpError:
        return None

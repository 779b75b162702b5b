"""`cxr status`: what the node is doing, at a glance."""

import shutil
from typing import Any

from db import deliveries, jobs, links, models, studies
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table, settings_of


def status(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show how much there is in each state, the model in service and the room left on the disk.

    Example: cxr status --json
    """
    settings = settings_of(config, data)
    with opened(config, data).read() as connection:
        model = models.current(connection)
        facts: dict[str, Any] = {
            "model": model.version if model else None,
            "studies": studies.counts(connection),
            "jobs": jobs.counts(connection),
            "deliveries": deliveries.counts(connection),
            "reports": links.counts(connection),
            "free_bytes": shutil.disk_usage(settings.data).free if settings.data.exists() else None,
        }
    if as_json:
        print_json(facts)
        return
    rows: list[tuple[str, object]] = [("model in service", facts["model"] or "none")]
    for noun in ("studies", "jobs", "deliveries"):
        rows += [(f"{noun}, {state}", count) for state, count in sorted(facts[noun].items())]
    linked = facts["reports"].get("linked", 0)
    rows += [("reports, linked", linked), ("reports, not linked", sum(facts["reports"].values()) - linked)]
    if facts["free_bytes"] is not None:
        rows.append(("free on disk, GiB", f"{facts['free_bytes'] / 1024**3:.1f}"))
    print_table(["what", "how many"], rows, empty="Nothing yet.")

"""What N hospitals need, computed from measured figures: `python deploy/sizing.py > deploy/sizing.md`.

`figures.toml` is kept by hand; `growth.json` is what `python -m tests.bench.growth --json deploy/growth.json` wrote.
"""

import json
import tomllib
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

FIGURES = Path(__file__).with_name("figures.toml")
GROWTH = Path(__file__).with_name("growth.json")
HOSPITALS = (1, 10, 50)
DAY_S = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What so many hospitals need; `per_s` is in their busiest hour."""

    hospitals: int
    images_per_day: int
    per_s: float
    receivers: int
    cores: float
    lines: int
    machines: int
    images_tb_per_year: float
    results_tb_per_year: float
    database_gb_per_year: float


def need(hospitals: int, figures: dict[str, Any]) -> Need:
    """Compute it."""
    measured, assumed = figures["measured"], figures["assumed"]
    images = hospitals * assumed["images_per_hospital_day"]
    studies = images / assumed["images_per_study"]
    per_s = images * assumed["busiest_hour_share"] / 3600
    usable = assumed["usable_share"]
    receive_share = per_s * assumed["image_mb"] / measured["receive_mb_per_s"]
    objects_per_s = per_s / assumed["images_per_study"] * assumed["objects_per_study"]
    mined_share = per_s / assumed["images_per_study"] / measured["mine_reports_per_s"]
    cores = (per_s * core_s(measured) + receive_share + mined_share) / usable
    return Need(
        hospitals=hospitals,
        images_per_day=images,
        per_s=per_s,
        receivers=ceil(receive_share / usable),
        cores=cores,
        lines=ceil(objects_per_s / measured["deliver_objects_per_s"] / usable),
        machines=ceil(cores / assumed["cores_per_machine"]),
        images_tb_per_year=images * assumed["image_mb"] * 365 / 1e6,
        results_tb_per_year=images * measured["result_mb"] * 365 / 1e6,
        database_gb_per_year=studies * measured["database_kb_per_study"] * 365 / 1e6,
    )


def core_s(measured: dict[str, Any]) -> float:
    """Processor seconds of an image, from its file to its results."""
    return float(measured["read_core_s"] + measured["build_core_s"])


def growth(grown: dict[str, Any], usable: float) -> str:
    """How a cluster grew, and what follows from it."""
    first, last = grown["found"][0], grown["found"][-1]
    a_day = usable * DAY_S * first["read_per_s"]
    times = last["read_per_s"] / first["read_per_s"]
    rows = "\n".join(
        f"| {each['receivers']} | {each['workers']} | {each['received_per_s']:.1f} | {each['read_per_s']:.1f} | "
        f"{each['read_per_s'] / first['read_per_s']:.2f} |"
        for each in grown["found"]
    )
    return f"""## How it grows

{grown["studies"]} studies of one {grown["side"]} x {grown["side"]} image arrived on {grown["associations"]} \
associations, at PostgreSQL, Redis and workers of one thread, all of them
with the senders on one machine: {grown["machine"]}.

| receivers | workers | received a second | read a second | times the first |
|---|---|---|---|---|
{rows}

![The same as bars, with what each worker would read at the pace of one alone](../docs/pictures/growth.png)

One worker, with everything that it needs beside it, reads {a_day:,.0f} such studies a day with {usable:.0%} of its time
in use; {last["workers"]} workers on {grown["cores"]} cores read {times:.1f} times as much. A worker keeps a core busy:
count one for each, and others for PostgreSQL and the receivers.

"""


def page(figures: dict[str, Any], grown: dict[str, Any] | None) -> str:
    """The sizing as Markdown."""
    measured, assumed = figures["measured"], figures["assumed"]
    a_core = assumed["usable_share"] * DAY_S / core_s(measured)
    said = "\n".join(f"| {key} | {value} |" for part in (measured, assumed) for key, value in part.items())
    rows = "\n".join(_row(need(hospitals, figures)) for hospitals in HOSPITALS)
    return f"""# How large

Computed by `python deploy/sizing.py` from [figures.toml](figures.toml), measured on {figures["machine"]}. Nobody has
run 50 hospitals; this is arithmetic. Measure your own machine with `make bench`, put its figures there
and print it again.

A core reads {a_core:,.0f} images a day with {assumed["usable_share"]:.0%} of it in use: {measured["read_core_s"]:.3f} s
for model and decoding, {measured["build_core_s"]:.2f} s to build results with three findings; an image without
a finding needs far less. **A GPU was not measured**: it would take over the model's part alone, which is the
smaller one,
so add cores first.

| hospitals | images a day | a second, busiest hour | receivers | cores | lines to the PACS | machines of \
{assumed["cores_per_machine"]} cores | images, TB a year | results, TB a year | database, GB a year |
|---|---|---|---|---|---|---|---|---|---|
{rows}

Results are at their largest here: every image with three findings. Beside this come PostgreSQL and Redis, and a second
machine wherever one must be able to fail.

{growth(grown, assumed["usable_share"]) if grown else ""}## What to add first

1. Disk: images and results fill it long before a core is busy. Send results on and keep what the law asks for.
2. Inference workers, one a group of cores, when `CxrQueueOld` fires for `read`.
3. `[work] delivery_workers`, when a destination's backlog grows while it answers.
4. `[dicom] processes`, and then a second receiver, when `cxr_store_seconds` rises.
5. A GPU for a larger model than the shipped one.

## The figures

| figure | value |
|---|---|
{said}
"""


def _row(of: Need) -> str:
    return (
        f"| {of.hospitals} | {of.images_per_day:,} | {of.per_s:.2f} | {of.receivers} | {of.cores:.1f} | {of.lines} | "
        f"{of.machines} | {of.images_tb_per_year:.1f} | {of.results_tb_per_year:.1f} | {of.database_gb_per_year:.1f} |"
    )


if __name__ == "__main__":
    measured_growth = json.loads(GROWTH.read_text("utf-8")) if GROWTH.exists() else None
    print(page(tomllib.loads(FIGURES.read_text("utf-8")), measured_growth), end="")  # noqa: T201

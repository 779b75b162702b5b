"""Faults, one by one, to the node and to those peers that can be given the same: rows R1 to R8 of the table."""

from functools import cache
from pathlib import Path

from tests.bench import broker, durability, full_disk, kills, outage
from tests.bench.found import NODE, Found, beside
from tests.bench.peers import Target
from tests.bench.shown import shown
from tests.node.dicom.raw import Image

INSTANCES = 2000
LATER_MS = 10
"""By so much may the 95th percentile of a C-STORE grow while something else is going on."""
SOAK = "tests/e2e/test_soak.py::test_nothing_acknowledged_is_lost_or_doubled[cluster]"
NO_DATABASE = "tests/e2e/test_faults.py::test_postgresql_that_dies_is_out_of_resources_until_it_is_back"


@cache
def survived(target: Target, scratch: Path) -> kills.Survived:
    """The same kills show instances and reports."""
    return kills.survive(target, laterals(), scratch)


@cache
def laterals() -> list[Image]:
    """What everybody is sent."""
    return kills.laterals(INSTANCES)


def receiver(scratch: Path) -> Found:
    """R1: kill -9 of the receiver."""

    def said(target: Target) -> str:
        found = survived(target, scratch)
        return f"{found.lost} lost, {found.doubled} double, {found.partial} partial of {found.acknowledged}"

    ours = survived(NODE, scratch)
    return Found(
        node=said(NODE),
        peers=beside(said),
        reached=(ours.lost, ours.doubled, ours.partial) == (0, 0, 0),
    )


def synced(scratch: Path) -> Found:
    """R2: the order of system calls."""

    def said(target: Target) -> str:
        return ", ".join(durability.synced_before_answer(target, scratch)) or "nothing"

    ours = said(NODE)
    return Found(node=ours, peers=beside(said), reached=ours == "object, folder, rows")


def everything(_scratch: Path) -> Found:
    """R3: kill -9 of every process of a cluster, the broker too."""
    passed, figure = shown(SOAK)
    return Found(node=figure, reached=passed)


def redis(_scratch: Path) -> Found:
    """R4: kill -9 of Redis in a backlog."""
    found = broker.drained()
    later = found.killed_ms - found.reading_ms
    return Found(
        node=f"{found.lost} lost, drained in {found.drained_s:.0f} s; C-STORE p95 {found.idle_ms:.0f} ms idle, "
        f"{found.reading_ms:.0f} ms while a backlog is read, {later:+.0f} ms with the kills",
        reached=found.lost == 0 and found.drained_s <= 30 and later <= LATER_MS,
    )


def pacs(_scratch: Path) -> Found:
    """R5: a PACS that is down."""
    found = outage.outage()
    later = found.down_ms - found.up_ms
    return Found(
        node=f"{found.lost} lost, {found.studies} studies sent {found.sent_s:.0f} s after its return; "
        f"C-STORE p95 {found.up_ms:.0f} ms before, {later:+.0f} ms during it",
        reached=found.lost == 0 and found.sent_s <= 300 and later <= LATER_MS,
    )


def postgresql(_scratch: Path) -> Found:
    """R6: kill -9 of PostgreSQL, which stays away for a minute."""
    passed, figure = shown(NO_DATABASE, CXR_SOAK="1")
    return Found(node=figure, reached=passed)


def disk(scratch: Path) -> Found:
    """R7: a full disk."""

    def said(found: full_disk.Refused) -> str:
        answers = ", ".join(f"{count} x {answer}" for answer, count in found.answers.items())
        return f"{answers}; {'never resumes' if found.resumed_s is None else f'resumes in {found.resumed_s:.1f} s'}"

    ours = full_disk.refused(NODE, scratch)
    refused = all(answer.startswith("0xA7") for answer in ours.answers)
    return Found(
        node=said(ours),
        peers=beside(lambda peer: said(full_disk.refused(peer, scratch))),
        reached=refused and ours.resumed_s is not None and ours.resumed_s <= 5,
    )


def reports(scratch: Path) -> Found:
    """R8: kill -9 while reports come."""
    acknowledged, lost, twice = survived(NODE, scratch).reports
    return Found(node=f"{lost} lost, {twice} twice of {acknowledged}", reached=(lost, twice) == (0, 0))

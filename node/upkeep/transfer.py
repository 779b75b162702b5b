"""Files between a node and a backup: each whole or not there, and none that is there is copied again."""

from pathlib import Path

from db.records import StoredFile
from node.upkeep import integrity
from node.upkeep.manifest import copy_durably, sync_folder


def bring(file: StoredFile, source: Path, target: Path) -> bool:
    """Copy a stored file from one root to another; False if it is not there, or not what its row says.

    A file that is at its target was whole when it got its name there, and is not read again.
    """
    goal = target / file.path
    if goal.exists() and goal.stat().st_size == integrity.length(file):
        return True
    beside = goal.with_name(f"{goal.name}.part")
    try:
        copy_durably(source / file.path, beside)
    except FileNotFoundError:
        return False
    if integrity.fault(beside, file) is not None:
        beside.unlink()
        return False
    beside.rename(goal)
    sync_folder(goal.parent)
    return True

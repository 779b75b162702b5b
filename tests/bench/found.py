"""What a row of the table of reliability found, and whom it asks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from tests.bench.peers import PYNETDICOM, TARGETS, Target, start_node

NODE = replace(
    TARGETS[0],
    start=partial(start_node, settings="[dicom]\nmin_free_mb = 0\n[reading]\nworkers = 0\n[mining]\nworkers = 0\n"),
)
"""`cxr serve` that only receives, so that the same is done to it as to its peers."""
PEERS = tuple(target for target in (*TARGETS[2:], PYNETDICOM) if target.there())


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The node's figure, those of its peers, and whether what was promised is reached; None is not measured."""

    node: str
    peers: str = ""
    reached: bool | None


def beside(figure: Callable[[Target], str]) -> str:
    """The figure of each peer that is here, with its name; one that does not bear the load says why."""
    return "; ".join(f"{peer.name} {_borne(figure, peer)}" for peer in PEERS)


def _borne(figure: Callable[[Target], str], peer: Target) -> str:
    """pynetdicom's storescp takes ten associations, and those that are just closing count."""
    try:
        return figure(peer)
    except RuntimeError as error:
        return f"failed ({' '.join(str(error).split())})"

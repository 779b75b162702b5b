"""From the last C-STORE response to the report in the PACS: a node as it is shipped, one study after the other.

Prints the median and the 95th percentile beyond the quiet period. Run by `make bench`.
"""

import statistics
import tempfile
import time
from pathlib import Path

from node import wiring
from node.demonstration import phantom
from node.parts import Node
from node.settings import load
from tests.bench.reception import processor
from tests.nodes import destination, push
from tests.peers.pacs import StorageScp

STUDIES = 25
QUIET_S = 0.5


def main() -> None:
    """Measure and print."""
    pacs = StorageScp()
    with tempfile.TemporaryDirectory(prefix="cxr-bench-") as folder:
        node = wiring.build(
            load(
                None,
                **{
                    "data": Path(folder) / "data",
                    "dicom.port": 0,
                    "hl7.port": 0,
                    "console.port": 0,
                    "study.quiet_s": QUIET_S,
                    "destinations": [destination(pacs)],
                    "log.level": "error",
                },
            )
        )
        node.start()
        try:
            seconds = [_one(node, pacs, number) for number in range(STUDIES)]
        finally:
            node.stop()
            pacs.stop()
    beyond = sorted(each - QUIET_S for each in seconds)
    percentile = statistics.quantiles(beyond, n=20)[-1]
    print(f"{processor()}; {STUDIES} studies of one 2048 x 2048 image, quiet period {QUIET_S} s")
    print(f"beyond the quiet period: median {statistics.median(beyond):.2f} s, 95th percentile {percentile:.2f} s")


def _one(node: Node, pacs: StorageScp, number: int) -> float:
    ds = phantom.dataset(seed=number, findings=("Effusion",))
    before = len(pacs.received)
    push(node, ds)
    start = time.monotonic()
    # Report, segmentation and overlay go over one association, the report first; all three are waited for.
    if not pacs.wait_for(before + 3, timeout_s=60):
        raise TimeoutError("the results did not come")
    return time.monotonic() - start


if __name__ == "__main__":
    main()

"""`cxr` with a backbone of two convolutions, in a process: `python -m tests.node.learning.tiny_cxr STEP WORDS`.

Before a training has a checkpoint, the process kills itself after that step, as `kill -9` does; 0 kills nobody.
"""

import sys
from pathlib import Path

from inference.backbones import BACKBONES
from node.__main__ import main
from node.learning.leash import hold
from tests.training.tiny import Doomed, tiny_row
from training.checkpoint import POINTER

if __name__ == "__main__":
    step, words = int(sys.argv[1]), sys.argv[2:]
    BACKBONES["alexnet"] = tiny_row()
    if step and not (Path(words[words.index("--out") + 1]) / POINTER).exists():
        Doomed.last = step
        sys.modules["training.train"].Journal = Doomed  # type: ignore[attr-defined]  # this process only
    sys.argv = ["cxr", *words]
    hold()
    main()

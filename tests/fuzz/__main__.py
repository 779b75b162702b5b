"""`python -m tests.fuzz pdu --seconds 60`: mutate a target's seeds for a while, or until it does what it should not.

With the extra `fuzz` atheris does it, which sees which branches an input reaches; without it, it is done blindly. An
input that ends it is left as `crash-...`: mend what it found, and keep it in the target's corpus under a name.
"""

import argparse
import importlib
import random
import shutil
import sys
import tempfile
import time
import warnings
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.fuzz import fuzzing
from tests.fuzz.fuzzing import CORPUS, MAX_BYTES, TARGETS, mutated

INSTRUMENTED = ["node", "inference", "pynetdicom", "pydicom"]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--blind", action="store_true", help="without atheris")
    parser.add_argument("--keep", type=Path, help="folder for inputs that reached new branches")
    options = parser.parse_args()
    atheris = None if options.blind or find_spec("atheris") is None else importlib.import_module("atheris")
    with nullcontext() if atheris is None else atheris.instrument_imports(include=INSTRUMENTED):
        target = importlib.import_module(f"tests.fuzz.{options.target}")
        pydicom_config = importlib.import_module("pydicom.config")
    pydicom_config.settings.reading_validation_mode = pydicom_config.IGNORE  # as `node.wiring` has it
    warnings.simplefilter("ignore")
    if atheris is None:
        blindly(options.target, target, options.seconds)
    else:
        by_coverage(atheris, options.target, target, options.seconds, options.keep)


def blindly(name: str, target: ModuleType, seconds: float) -> None:
    """Mutate by chance."""
    known = fuzzing.known(target)
    chance, end, count = random.Random(), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = mutated(chance.choice(known), chance)
        try:
            target.check(data)
        except BaseException:
            Path(f"crash-{name}").write_bytes(data)
            raise
        count += 1
    print(f"{name}: {count} inputs in {seconds} s, none that it does not bear")


def by_coverage(atheris: Any, name: str, target: ModuleType, seconds: int, keep: Path | None) -> None:
    """Have libFuzzer mutate what reached new branches; it ends the process."""
    folder = keep or Path(tempfile.mkdtemp(prefix="fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(target.seeds()):
        (folder / f"seed-{number}").write_bytes(data)
    for path in (CORPUS / name).glob("*"):
        shutil.copy(path, folder)
    limits = [f"-max_total_time={seconds}", f"-max_len={MAX_BYTES}", "-timeout=10", "-rss_limit_mb=2048"]
    atheris.Setup([sys.argv[0], *limits, str(folder)], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

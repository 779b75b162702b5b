"""Mining beside medspaCy's ConText: reports a second and peak memory on one core, parse included.

Seconds are of processor time, so that whatever else the machine does counts for neither.

Both get the same reports in the same run, in turns. The miner runs as it is shipped (a sentence that comes again is
remembered), forgetting all after each 128 reports, and forgetting all after each report, which also parses each
report alone. medspaCy runs in an environment of its own, .venv-medspacy, made on demand from medspacy.txt; without
it only the miner is measured. Run it: python -m tests.bench.mining [--synthetic]
"""

import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nlp import datafiles, phrases
from nlp.datafiles import LexiconFile
from tests.bench import corpus
from tests.bench.reception import processor

ROOT = Path(__file__).parent.parent.parent
HERE = Path(__file__).parent
OPENI = Path(os.environ.get("CXR_SHARED_DATA", ROOT.parent / "shared" / "data")) / "openi" / "openi_dev.csv"
PINS = HERE / "medspacy.txt"
ENVIRONMENT = ROOT / ".venv-medspacy"
SYNTHETIC = 2000
TURNS = 3
BATCH = 128
EIGHT = ("Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax")
OURS = {
    "the miner": 10**9,
    f"- forgetting after {BATCH} reports": BATCH,
    "- forgetting after each report": 1,
}
"""Rows, and after how many reports the miner forgets."""
MEDSPACY = "medspaCy ConText"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1")


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--child"]:
        mine(int(sys.argv[2]))
        return
    name, reports = load(synthetic="--synthetic" in sys.argv)
    given = {"reports": reports, "phrases": list(targets())}
    print(
        f"{processor()}, one of them used; {name}: {len(reports)} reports, {repeated(reports):.0%} repeated sentences"
    )
    rows = {row: [sys.executable, "-m", "tests.bench.mining", "--child", str(every)] for row, every in OURS.items()}
    if peer := medspacy():
        rows[MEDSPACY] = [str(peer), "-c", "from medspacy_context import main; main()"]
        print(f"{MEDSPACY} gets its own tokenizer, sentence splitter and ConText rules, batches of {BATCH}, and")
        print(
            f"{len(given['phrases'])} target phrases: the wordings, singular and plural, that our lexicon has for the"
        )
        print(
            "eight findings. The miner looks for all of its concepts, other diseases and devices too, and for Normal."
        )
    found: dict[str, list[dict[str, Any]]] = {}
    for _ in range(TURNS):
        for row, command in rows.items():
            found.setdefault(row, []).append(run(command, given))
    print_rows(found, len(reports))


def load(*, synthetic: bool) -> tuple[str, list[str]]:
    """What the reports are, and their texts: findings and impression, each under its heading."""
    if synthetic or not OPENI.exists():
        pairs: Iterator[tuple[str, str]] = corpus.reports(SYNTHETIC)
        return "synthetic reports", [text(*pair) for pair in pairs]
    with OPENI.open(newline="", encoding="utf-8") as file:
        return "OpenI, development half", [text(row["findings"], row["impression"]) for row in csv.DictReader(file)]


def text(findings: str, impression: str) -> str:
    """A report as its reader sees it."""
    parts = (("FINDINGS", findings), ("IMPRESSION", impression))
    return "\n".join(f"{heading}: {part}" for heading, part in parts if part)


def repeated(reports: list[str]) -> float:
    """The share of sentences that stood in an earlier report."""
    sentences = [each.strip() for report in reports for each in report.replace("\n", " ").split(". ")]
    return 1 - len(set(sentences)) / len(sentences)


def targets() -> Iterator[tuple[str, str]]:
    """Finding and wording, for each wording of the eight findings in the lexicon, and its plural."""
    files = datafiles.read(datafiles.LEXICON, LexiconFile)
    groups = {entry.name: entry.phrases for file in files for entry in file.group}
    concepts = [entry for file in files for entry in file.concept if entry.finding in EIGHT]
    found = {
        (entry.finding or "", wording)
        for entry in concepts
        for phrase in entry.phrases
        for words in phrases.wordings(phrase, groups)
        for wording in (" ".join(words), plural(" ".join(words)))
    }
    yield from sorted(found)


def plural(wording: str) -> str:
    """As English makes it, near enough: opacities, metastases, masses, nodules."""
    for end, instead in (("y", "ies"), ("is", "es"), ("x", "xes"), ("ss", "sses"), ("s", "s")):
        if wording.endswith(end):
            return wording.removesuffix(end) + instead
    return wording + "s"


def medspacy() -> Path | None:
    """The Python of medspaCy's environment, made if it is not there; None, said in a sentence, if it cannot be."""
    python, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / "pins.txt"
    if not stamp.exists() or stamp.read_text() != PINS.read_text():
        print("making .venv-medspacy (once; some minutes)", flush=True)
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(PINS)]
        done = subprocess.run(pip, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            print(f"{MEDSPACY} is not measured: pip cannot install tests/bench/medspacy.txt here ({why})")
            return None
        stamp.write_text(PINS.read_text())
    return python


def run(command: list[str], given: dict[str, Any]) -> dict[str, Any]:
    """One measurement, in a process of its own on one core."""
    core = min(os.sched_getaffinity(0))
    done = subprocess.run(
        ["taskset", "-c", str(core), *command],
        input=json.dumps(given) + "\n",
        cwd=HERE if "-c" in command else ROOT,
        env={**os.environ, **ONE_THREAD},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def mine(every: int) -> None:
    """The miner's side: read the reports from the standard input, mine, and say how it went."""
    from nlp import miner  # noqa: PLC0415  the parent needs no spaCy

    reports = json.loads(sys.stdin.readline())["reports"]
    began = time.process_time()
    made = miner.load()
    loaded = time.process_time()
    found = negated = 0
    for begin in range(0, len(reports), min(every, len(reports))):
        for mined in made.mine_all(made.sections(report) for report in reports[begin : begin + every]):
            eight = [evidence for evidence in mined.evidence if evidence.concept.finding in EIGHT]
            found += len(eight)
            negated += sum(evidence.assertion == "negative" for evidence in eight)
        if every < len(reports):
            made._readings.clear()
    measured = {
        "load_s": loaded - began,
        "seconds": time.process_time() - loaded,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        "targets": found,
        "negated": negated,
    }
    print(json.dumps(measured))


def print_rows(found: dict[str, list[dict[str, Any]]], reports: int) -> None:
    """The median of the turns, all of them, and the ratio to medspaCy."""
    rates = {row: statistics.median(reports / each["seconds"] for each in turns) for row, turns in found.items()}
    print(
        f"{'':<32} {'reports/s':>9} {'x medspaCy':>10} {'peak MB':>8} {'load s':>7} {'targets':>8} {'negated':>8}  all"
    )
    for row, turns in found.items():
        last = turns[-1]
        ratio = f"{rates[row] / rates[MEDSPACY]:.1f}" if MEDSPACY in rates else "-"
        every = " ".join(f"{reports / each['seconds']:.0f}" for each in turns)
        print(
            f"{row:<32} {rates[row]:9.0f} {ratio:>10} {last['peak_mb']:8.0f} {last['load_s']:7.1f}"
            f" {last['targets']:8} {last['negated']:8}  {every}"
        )


if __name__ == "__main__":
    main()

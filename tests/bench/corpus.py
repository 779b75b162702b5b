"""Reports for measuring: made up from templates, in any number, each sentence varied."""

import csv
import random
from collections.abc import Iterator
from pathlib import Path

SIDES = ("left", "right", "bilateral")
SIZES = ("tiny", "small", "moderate", "large", "8 mm", "1.2 cm", "2.5 cm", "subtle", "questionable")
PLACES = ("base", "apex", "upper lobe", "lower lobe", "mid lung", "costophrenic angle", "perihilar region", "lingula")
TIMES = ("since the prior study", "compared to yesterday", "since 2014", "over the interval", "from the prior film")
NORMAL = (
    "The lungs are clear.",
    "The heart size is within normal limits.",
    "The cardiomediastinal silhouette is unremarkable.",
    "No pleural effusion or pneumothorax.",
    "There is no focal airspace disease, pneumothorax, or pleural effusion.",
    "Osseous structures are intact.",
)
VARIED = (
    "There is a {size} {side} pleural effusion, which has {change} {time}.",
    "{size} opacity in the {side} {place}, {hedge} atelectasis versus pneumonia.",
    "No change in the {size} nodule of the {side} {place} {time}.",
    "There is no evidence of {side} pneumothorax {time}, and the {place} is clear.",
    "The cardiac silhouette is mildly enlarged and has {change} {time}.",
    "{size} calcified granuloma in the {side} {place}, without a suspicious mass.",
    "The tip of the {side} catheter lies {number} mm above the carina.",
    "Streaky {side} {place} densities are {hedge} scarring rather than infiltrate.",
    "Degenerative changes of the thoracic spine at {number} levels, {change} {time}.",
    "The {side} hemidiaphragm is elevated by {number} mm with adjacent volume loss at the {place}.",
)
CHANGES = ("increased", "decreased", "resolved", "not changed", "nearly resolved")
HEDGES = ("likely", "possibly", "most consistent with", "suspicious for", "suggestive of")
IMPRESSIONS = (
    "No acute cardiopulmonary abnormality.",
    "{size} {side} effusion, {change} {time}.",
    "Cardiomegaly. No pneumonia in the {place}.",
    "{hedge} {side} {place} infiltrate; recommend a film in {number} weeks.",
)


def reports(count: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Findings and impression of so many reports; the same for the same seed."""
    chance = random.Random(seed)
    for _ in range(count):
        findings = chance.sample(NORMAL, 2) + [_filled(each, chance) for each in chance.sample(VARIED, 3)]
        chance.shuffle(findings)
        yield " ".join(findings), _filled(chance.choice(IMPRESSIONS), chance)


def write_csv(path: Path, count: int) -> None:
    """Write reports as a table, an accession number and a time each."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("accession", "patient_id", "modality", "status", "time", "findings", "impression"))
        for number, (findings, impression) in enumerate(reports(count)):
            row = (f"C{number:07d}", f"P{number % 9973}", "DX", "final", _time(number), findings, impression)
            writer.writerow(row)


def write_hl7(path: Path, count: int) -> None:
    """Write reports as messages, one below the other."""
    with path.open("wb") as file:
        for number, (findings, impression) in enumerate(reports(count)):
            file.write(message(number, findings, impression))


def message(number: int, findings: str, impression: str) -> bytes:
    """A report as ORU^R01."""
    at, accession = _time(number), f"H{number:07d}"
    return (
        f"MSH|^~\\&|RIS|HOSPITAL|CXR|NODE|{at}||ORU^R01^ORU_R01|M{number:07d}|P|2.5.1\r"
        f"PID|1||P{number % 9973}^^^HOSPITAL^MR||DOE^{number}||19500101|F\r"
        f"ORC|RE|PL{accession}|{accession}\r"
        f"OBR|1|PL{accession}|{accession}|36643-5^XR Chest 2 Views^LN||||||||||||||||||{at}|||F\r"
        f"OBX|1|TX|36643-5&GDT||{findings}||||||F\r"
        f"OBX|2|TX|36643-5&IMP||{impression}||||||F\r"
    ).encode()


def _filled(template: str, chance: random.Random) -> str:
    text = template.format(
        side=chance.choice(SIDES),
        size=chance.choice(SIZES),
        place=chance.choice(PLACES),
        time=chance.choice(TIMES),
        change=chance.choice(CHANGES),
        hedge=chance.choice(HEDGES),
        number=chance.randint(2, 40),
    )
    return text[:1].upper() + text[1:]


def _time(number: int) -> str:
    return f"2019{number % 12 + 1:02d}{number % 28 + 1:02d}{number % 24:02d}{number % 60:02d}+0000"

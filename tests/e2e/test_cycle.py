"""The whole cycle, small: studies and reports over sockets, a model that learns from them, reads, and is taken back."""

import shlex
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import pydicom
import pytest
from typer.testing import CliRunner

from db.vocabulary import EIGHT
from node.__main__ import app
from node.rehearsal import cycle, department
from node.rehearsal.cycle import Choices
from node.rehearsal.peers import received
from tests.bundles import write_tiny
from training.pseudonym import KEY_FILE

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("spacy", reason="the extra `reports` is not installed")

from inference.backbones import BACKBONES
from tests.training.tiny import tiny_row

LEARNT = ("Cardiomegaly", "Effusion")
STUDIES = 30
TRAINING = "--backbone alexnet --size 32 --width 8 --tune upper --head-epochs 1 --epochs 1 --copies 0 --decoders 1"


class Person:
    """Runs commands in this process, and keeps what each printed."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.printed: dict[str, str] = {}

    def __call__(self, arguments: Sequence[str]) -> None:
        ended = CliRunner().invoke(app, list(arguments), env={"CXR_DATA": str(self.data)}, catch_exceptions=False)
        assert ended.exit_code == 0, ended.output
        self.printed[shlex.join(arguments[:2])] = ended.stdout


@pytest.fixture
def choices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Choices:
    """A department of two findings, a shipped model that means nothing, and a backbone of two convolutions."""
    monkeypatch.setitem(BACKBONES, "alexnet", tiny_row())
    monkeypatch.setattr(
        "inference.bundle.STARTER", write_tiny(tmp_path / "shipped", version="shipped-1", operating_point=1.0).path
    )
    monkeypatch.setattr(department, "SICK", 0.6)
    monkeypatch.setattr(department, "WEIGHTS", {each.name: 1.0 if each.name in LEARNT else 0.01 for each in EIGHT})
    data = tmp_path / "out" / "data"
    data.mkdir(parents=True)
    (data / KEY_FILE).write_text("11" * 32)  # so that patients are dealt alike each time
    others = [each.name for each in EIGHT if each.name not in LEARNT]
    return Choices(
        out=tmp_path / "out",
        studies=STUDIES,
        seed=0,
        pixels=64,
        selection=tuple(word for name in others for word in ("--without", name)),
        training=tuple(shlex.split(TRAINING)),
        promotion=("--yes", "--force", "--reason", "so small a model may be worse"),
    )


@pytest.mark.timeout(300)  # twenty seconds' work, on a machine that may be busy
def test_from_the_first_study_to_the_rollback(choices: Choices) -> None:
    """Every study is learnt from, the one with a late report is not, and each report names the model that read."""
    person, said = Person(choices.data), list[str]()

    cycle.rehearse(choices, person, said.append, lambda: nullcontext(lambda _: None))

    reports = {name: received(choices.out / f"report-{name}.dcm") for name in ("before", "after", "rolled-back")}
    learnt = reports["after"].model_version
    assert {name: each.model_version for name, each in reports.items()} == {
        "before": "shipped-1",
        "after": learnt,
        "rolled-back": "shipped-1",
    }
    assert learnt.endswith("-alexnet-0")
    assert "labels mined" in person.printed["snapshot create"]
    assert f": {STUDIES} images" in person.printed["snapshot create"]
    assert "left out: reports written after the result: 1" in person.printed["snapshot create"]
    assert f"{learnt} beside shipped-1" in person.printed["models promote"]
    assert person.printed["results --limit"].count(learnt) == 3
    assert (choices.out / "overlay-after.png").is_file()
    assert pydicom.dcmread(choices.out / "report-after.dcm").PatientID.startswith("SYN")
    assert any("read by shipped-1" in sentence for sentence in said)

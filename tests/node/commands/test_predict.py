"""`cxr predict` and `cxr demo`: what a person gets who has files and no node."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from node.__main__ import main
from tests.conftest import ROOT
from tests.nodes import chest

Outcome = subprocess.CompletedProcess[str]


def cxr(*arguments: object, cwd: Path = ROOT, **environment: object) -> Outcome:
    """Run the command as a process: its exit code counts."""
    command = [sys.executable, "-m", "node", *(str(argument) for argument in arguments)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **{name: str(value) for name, value in environment.items()}}
    return subprocess.run(command, cwd=cwd, env=env, check=False, capture_output=True, text=True, timeout=60)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with a chest radiograph, a picture of one, a letter and a broken image."""
    folder = tmp_path / "images"
    folder.mkdir()
    chest().save_as(folder / "a.dcm", enforce_file_format=True)
    Image.fromarray(np.arange(96 * 128, dtype=np.uint16).reshape(128, 96).astype(np.uint8)).save(folder / "b.png")
    (folder / "c.txt").write_text("Dear colleague")
    broken = chest()
    broken.PixelData = broken.PixelData[:100]
    broken.save_as(folder / "d.dcm", enforce_file_format=True)
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV file."""
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_folder_is_read_and_what_is_not_says_why(images: Path, tiny_model: Path, tmp_path: Path):
    """Each readable image has a row a finding, each other file a reason; the exit code is 1."""
    scores, boxes, out = tmp_path / "scores.csv", tmp_path / "boxes.csv", tmp_path / "out"

    outcome = cxr("predict", images, "--csv", scores, "--boxes", boxes, "--out", out, "--model", tiny_model, "--json")

    by_file: dict[str, list[dict[str, str]]] = {}
    for row in rows(scores):
        by_file.setdefault(Path(row["file"]).name, []).append(row)
    assert outcome.returncode == 1
    assert {name: len(each) for name, each in by_file.items()} == {"a.dcm": 8, "b.png": 8, "c.txt": 1, "d.dcm": 1}
    assert [by_file[name][0]["reason"] for name in ("a.dcm", "c.txt", "d.dcm")] == ["", "not_image", "undecodable"]
    assert all(0 <= float(row["probability"]) <= 1 and row["present"] == "1" for row in by_file["a.dcm"])
    assert list(rows(boxes)[0]) == ["file", "finding", "x", "y", "width", "height", "threshold", "probability"]
    assert {row["threshold"] for row in rows(boxes)} <= {"60", "180"}
    assert sorted(path.name for path in out.iterdir()) == ["a.dcm.png", "b.png.png"]
    assert len(json.loads(outcome.stdout)) == len(rows(scores))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("predict", "{tmp}/empty"), "no file to read there"),
        (("predict", "{tmp}/a.dcm", "--csv", "{tmp}/missing/scores.csv"), "scores.csv"),
        (("predict", "{tmp}/a.dcm", "--model", "{tmp}"), "model"),
        (("status", "--config", "{tmp}/missing.toml"), "missing.toml"),
        (("demo", "{tmp}/letter.txt"), "not a readable DICOM file"),
        (("demo", "{tmp}/lateral.dcm"), "not frontal"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_mistake_is_one_plain_sentence(
    arguments: tuple[str, ...],
    words: str,
    tmp_path: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """What a person got wrong is said in one sentence with the name of it; the exit code is 1."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "letter.txt").write_text("Dear colleague")
    chest().save_as(tmp_path / "a.dcm", enforce_file_format=True)
    lateral = chest(ViewPosition="LL")
    lateral.PatientOrientation = ["P", "F"]
    lateral.save_as(tmp_path / "lateral.dcm", enforce_file_format=True)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CXR_READING__MODEL", str(tiny_model))
    monkeypatch.setattr(sys, "argv", ["cxr", *(each.format(tmp=tmp_path) for each in arguments)])
    monkeypatch.setattr("node.process.logs.configure", lambda _level: None)  # this process is the tests'
    with pytest.raises(SystemExit) as ended:
        main()

    words_said = capsys.readouterr().err
    assert ended.value.code == 1, words_said
    assert words_said.strip().splitlines()[-1].startswith("cxr: ")
    assert words in words_said
    assert "Traceback" not in words_said


def test_demo_shows_what_comes_back_and_leaves_the_hospitals_database_alone(tiny_model: Path, tmp_path: Path):
    """The demonstration ends with a report, a segmentation, an overlay and a picture; a real database is not used."""
    real = tmp_path / "real.db"

    outcome = cxr(
        "demo", "--out", tmp_path / "out", CXR_READING__MODEL=tiny_model, CXR_DATABASE__URL=f"sqlite:///{real}"
    )

    assert outcome.returncode == 0, outcome.stderr
    names = ["overlay.dcm", "overlay.png", "report.dcm", "segmentation.dcm"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert "Effusion" in outcome.stdout
    assert not real.exists()
    with Image.open(tmp_path / "out" / "overlay.png") as picture:
        assert picture.mode == "RGB"
        picture.load()


def test_processes_that_decode_change_nothing(images: Path, tiny_model: Path, tmp_path: Path):
    """The same rows in the same order, with the same reasons."""
    for workers in (0, 2):
        cxr("predict", images, "--csv", tmp_path / f"{workers}.csv", "--model", tiny_model, "--workers", workers)

    assert rows(tmp_path / "0.csv") == rows(tmp_path / "2.csv")
    assert len(rows(tmp_path / "2.csv")) == 18


def test_ctrl_c_ends_the_processes_too(tiny_model: Path, tmp_path: Path):
    """A decoder that waits for a file that never comes is gone with the command."""
    endless = tmp_path / "endless.dcm"
    os.mkfifo(endless)
    arguments = ["predict", str(endless), "--workers", "1", "--model", str(tiny_model)]
    listening = ["env", "--default-signal=INT"]  # also where the tests run in the background of a script
    with (
        subprocess.Popen(
            [*listening, sys.executable, "-m", "node", *arguments],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as command,
        endless.open("wb", buffering=0) as stream,
    ):  # waits until the decoder has opened the other end
        os.killpg(command.pid, signal.SIGINT)

        assert command.wait(timeout=60) != 0
        with pytest.raises(BrokenPipeError):
            stream.write(b"too late")

"""A node of its roles: what each loads, and what it says when it is ready."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from node import wiring
from node.commands.serve import ready_line
from node.parts import NodeRole
from node.settings import load
from tests.conftest import ROOT

HEAVY = ("celery", "cv2", "highdicom", "onnxruntime", "spacy", "torch")


def test_who_receives_loads_neither_models_nor_makers_of_results():
    """A receiver is small: the model's runtime, highdicom and Celery are for who works."""
    ask = f"import sys, node.wiring; print([name for name in {HEAVY} if name in sys.modules])"

    said = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert said == "[]\n"


@pytest.mark.parametrize(
    ("roles", "there", "not_there"),
    [
        ([NodeRole.SCP], ["DICOM CXRNODE on 127.0.0.1:", "role scp"], ["HL7", "console on"]),
        ([NodeRole.HL7, NodeRole.RECONCILE], ["HL7 on", "role hl7 reconcile"], ["DICOM CXRNODE", "console on"]),
        (None, ["DICOM CXRNODE", "HL7 on", "console on"], ["role"]),
    ],
    ids=["scp", "two", "all"],
)
def test_ready_line_names_what_a_node_does(
    settings_options: Callable[..., dict[str, Any]],
    roles: list[NodeRole] | None,
    there: list[str],
    not_there: list[str],
):
    """Whoever starts a role alone sees which it is."""
    node = wiring.build(load(None, **settings_options()), roles)

    node.start()
    said = ready_line(node)
    node.stop()

    assert [words for words in there if words not in said] == []
    assert [words for words in not_there if words in said] == []

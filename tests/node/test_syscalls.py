"""The order of system calls of a running node, seen from outside: synced first, acknowledged afterwards.

kill -9 cannot show what a power cut would lose, since the page cache survives it; this order is the proof.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from node.dicom.opening import Address, associate
from tests.conftest import ROOT
from tests.nodes import chest
from tests.peers.processes import HOST, free_port, listens, require, wait_until


@pytest.mark.peer
def test_object_folder_and_rows_are_synced_before_the_answer(
    tmp_path: Path, settings_options: Callable[..., dict[str, Any]]
):
    """Before the bytes of a C-STORE response go out, object, folder and write-ahead log are on disk."""
    strace = require("strace", Path("/usr/bin/strace"))
    trace, port, options = tmp_path / "trace", free_port(), settings_options()
    config = tmp_path / "node.toml"
    config.write_text(
        f'data = "{options["data"]}"\ndicom = {{ port = {port}, min_free_mb = 0 }}\n'
        f'study.quiet_s = 60\nhl7.port = 0\nconsole.port = 0\nreading = {{ model = "{options["reading.model"]}" }}\n'
    )
    calls = "trace=fsync,fdatasync,rename,renameat,renameat2,sendto"
    command = [strace, "-f", "-y", "-e", calls, "-o", trace, sys.executable, "-m", "node", "serve", "--config", config]
    process = subprocess.Popen([str(part) for part in command], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: listens(port), timeout_s=40, what="the node does not listen")
        ds = chest()
        address = Address(name="node", ae_title="CXRNODE", host=HOST, port=port)
        assoc = associate(address, "MODALITY", [(ds.SOPClassUID, ds.file_meta.TransferSyntaxUID)])
        status = assoc.send_c_store(ds).Status
        assoc.release()
    finally:
        for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGTERM)  # strace itself does not listen, and ends with what it traces
        process.wait(20)

    assert status == 0
    lines = [line for line in trace.read_text(errors="replace").splitlines() if "resumed" not in line]
    (renamed,) = (number for number, line in enumerate(lines) if re.search(r"rename\w*\(.*/incoming/.*\.part", line))
    thread = lines[renamed].split()[0]
    mine = [line for line in lines if line.startswith(thread)]
    (here,) = (number for number, line in enumerate(mine) if line == lines[renamed])
    answer = next(number for number, line in enumerate(mine) if number > here and "sendto(" in line)
    before, between = mine[:here], mine[here + 1 : answer]
    synced = [match[1] for line in between if (match := re.search(r"f(?:data)?sync\(\d+<([^>]*)>", line))]
    assert any(re.search(r"fsync\(\d+<[^>]*\.part>", line) for line in before)
    assert re.search(r"/store/\d{4}/\d\d/\d\d$", synced[0])
    # SQLite may sync the log's folder after a log that is new.
    assert any(path.endswith("cxr.db-wal") for path in synced[1:])

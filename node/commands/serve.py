"""`cxr serve`: the running node."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from node import wiring
from node.commands.options import ConfigOption, DataOption, settings_of
from node.errors import SettingsError
from node.parts import Node, NodeRole
from node.process import logs
from node.process.floors import require_floors
from node.process.implementation import SOFTWARE_VERSION

SWITCH_S = 0.0001
"""How long a thread that works lets others wait. A C-STORE wants the interpreter dozens of times, and with Python's own
5 ms it took 150 ms (p95, 0.5 MB) while a study was read in the same process; so it takes 40."""


def serve(
    config: ConfigOption = None,
    data: DataOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 by default.")] = None,
    dicom_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="11112 by default; 0 takes a free one.")
    ] = None,
    hl7_port: Annotated[int | None, typer.Option(min=0, max=65535, help="MLLP; 2575 by default.")] = None,
    console_port: Annotated[int | None, typer.Option(min=0, max=65535, help="HTTP; 8080 by default.")] = None,
    role: Annotated[
        list[NodeRole] | None,
        typer.Option("--role", help="Do this alone (may be given again); without it, all that the settings leave."),
    ] = None,
) -> None:
    """Run the node until it is told to stop (Ctrl-C or SIGTERM).

    One line on standard output says when it is ready; log lines go to standard error. In a cluster each role can be a
    process, or several, of its own, on any machine that has the database, the broker and the data folder.

    Example: cxr serve --config /etc/cxr/node.toml

    Example: cxr serve --config /etc/cxr/node.toml --role scp --role hl7
    """
    settings = settings_of(
        config,
        data,
        host=host,
        **{"dicom.port": dicom_port, "hl7.port": hl7_port, "console.port": console_port},
    )
    logs.configure(settings.log.level, settings.log.format)
    require_floors()
    os.umask(0o077)  # whatever is written here is for the node's own user
    sys.setswitchinterval(SWITCH_S)
    stop = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: stop.set())
    try:
        node = wiring.build(settings, role or None)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {settings.host} or write to {settings.data} ({error.strerror})"
        ) from error
    node.start()
    typer.echo(ready_line(node))
    while not stop.wait(1):
        pass  # a signal that the kernel gave to another thread is seen at the next turn
    node.stop()


def ready_line(node: Node) -> str:
    """What a node says when it is ready."""
    settings = node.settings
    said = []
    if NodeRole.SCP in node.roles:
        said.append(f"DICOM {settings.dicom.ae_title} on {settings.host}:{node.scp.port}")
    if NodeRole.HL7 in node.roles:
        said.append(f"HL7 on {settings.host}:{node.listener.port}")
    if NodeRole.CONSOLE in node.roles:
        scheme = "https" if settings.console.tls_certificate else "http"
        said.append(f"console on {scheme}://{settings.console.host}:{node.console.port}")
    if node.roles != frozenset(NodeRole):
        said.append(f"role {' '.join(sorted(node.roles))}")
    said.append(f"{len(settings.destinations)} destination(s), data in {Path(settings.data).absolute()}")
    return f"cxr-node {SOFTWARE_VERSION} ready: {', '.join(said)}"

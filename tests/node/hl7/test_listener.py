"""The MLLP listener, over real connections."""

import ipaddress
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db import migration, reports
from db.engine import Database, connect
from node.hl7.connection import Limits
from node.hl7.framing import END, START, frame
from node.hl7.intake import Intake, Received
from node.hl7.listener import Listener, Network
from tests.node.hl7.mllp import HOST, Client, code, msa, oru
from tests.peers.databases import Postgres
from tests.peers.processes import wait_until

ROOT = Path(__file__).parents[3]
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
CANARIES = ("CANARY", "P1", "Clear lungs", "A1")


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """A database with the tables of this version."""
    database = connect(migrated_url)
    yield database
    database.close()


@pytest.fixture
def sqlite(sqlite_database: Database) -> Database:
    """A database for what does not depend on its kind."""
    return sqlite_database


Start = Callable[..., Listener]


@pytest.fixture
def start() -> Iterator[Start]:
    """Listeners that are stopped at the end of the test."""
    running: list[Listener] = []

    def begin(
        database: Database,
        *,
        networks: Sequence[Network] = LOOPBACK,
        refused: list[tuple[str, str]] | None = None,
        **limits: float,
    ) -> Listener:
        listener = Listener(
            host=HOST,
            port=0,
            networks=networks,
            receive=intake_of(database).receive,
            on_reject=lambda address, reason: (refused if refused is not None else []).append((address, reason)),
            limits=Limits(**limits),  # type: ignore[arg-type]
        )
        running.append(listener)
        listener.start()
        return listener

    yield begin
    for listener in running:
        listener.stop()


def intake_of(database: Database) -> Intake:
    """The intake of a node with default settings."""
    return Intake(database=database, accession_from=("OBR-3", "ORC-3", "OBR-18"), now=lambda: datetime.now(UTC))


def count(database: Database, accession: str | None = None) -> int:
    """Stored versions of reports."""
    with database.read() as connection:
        return reports.count(connection, accession)


def test_a_report_is_stored_before_it_is_acknowledged(database: Database, start: Start) -> None:
    """When AA is heard, message and report are there."""
    with Client(start(database).port) as client:
        answer = client.ask(oru("M7", text="Clear~lungs"))

        with database.read() as connection:
            report = reports.current(connection, "A1")
    assert msa(answer) == ["MSA", "AA", "M7"]
    assert report is not None
    assert report.text == "Clear\nlungs"


def test_a_message_sent_again_is_acknowledged_and_not_stored_again(database: Database, start: Start) -> None:
    """On the same connection or another."""
    port = start(database).port
    codes = []
    for _ in range(2):
        with Client(port) as client:
            codes += [code(client.ask(oru())) for _ in range(2)]

    assert codes == ["AA"] * 4
    assert count(database) == 1


def test_many_connections_at_once_lose_nothing(database: Database, start: Start) -> None:
    """Fifty senders, each answered for its own messages in order."""
    port = start(database).port
    wrong: list[str] = []

    def send(number: int) -> None:
        with Client(port) as client:
            for each in range(5):
                answer = msa(client.ask(oru(f"M{number}-{each}", accession=f"A{number}-{each}")))
                if answer != ["MSA", "AA", f"M{number}-{each}"]:
                    wrong.append(str(answer))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert count(database) == 250


def test_two_messages_in_one_frame_are_answered_each(sqlite: Database, start: Start) -> None:
    """In order."""
    with Client(start(sqlite).port) as client:
        client.send(frame(oru("M1") + oru("M2", accession="A2")))

        assert [msa(client.answer())[1:3] for _ in range(2)] == [["AA", "M1"], ["AA", "M2"]]


def test_a_batch_is_answered_by_a_batch(sqlite: Database, start: Start) -> None:
    """One frame with an answer to each message; the bad one spoils none."""
    batch = b"FHS|^~\\&\rBHS|^~\\&\r" + oru("M1") + oru("M2").replace(b"ORU^", b"ADT^") + oru("M3") + b"BTS|3\rFTS|1\r"

    with Client(start(sqlite).port) as client:
        answer = client.ask(batch).decode()

    assert answer.startswith("BHS|")
    assert [line[:9] for line in answer.split("\r") if line.startswith("MSA")] == [
        "MSA|AA|M1",
        "MSA|AR|M2",
        "MSA|AA|M3",
    ]
    assert count(sqlite) == 2


def test_a_frame_cut_in_pieces_is_one(sqlite: Database, start: Start) -> None:
    """As the network may cut it, inside the end block too."""
    data = frame(oru())
    with Client(start(sqlite).port) as client:
        for part in (data[:1], data[1:40], data[40:-1], data[-1:]):
            client.send(part)
            time.sleep(0.02)

        assert code(client.answer()) == "AA"


def test_a_frame_that_was_cut_off_and_sent_again_is_taken(sqlite: Database, start: Start) -> None:
    """The start block resynchronises; there is one answer, for the whole message."""
    with Client(start(sqlite).port) as client:
        client.send(START + oru()[:100])

        assert code(client.ask(oru("M2"))) == "AA"
        assert msa(client.ask(oru("M3"))) == ["MSA", "AA", "M3"]
    assert count(sqlite) == 2


BAD = {
    "a lab order": (frame(oru().replace(b"ORU^R01^ORU_R01", b"ORM^O01")), "AR"),
    "another version": (frame(oru().replace(b"2.5.1", b"3.0")), "AR"),
    "no MSH": (frame(b"PID|1||P1\rOBR|1||A1\r"), "AE"),
    "an empty frame": (frame(b""), "AE"),
    "an unknown character set": (frame(oru(msh="||||||KLINGON")), "AE"),
    "not of its character set": (frame(oru(msh="||||||UNICODE UTF-8").replace(b"Clear", b"\xff\xfe")), "AE"),
    "no order": (frame(b"".join(oru().splitlines(keepends=True)[:2])), "AE"),
    "no control id": (frame(oru("")), "AE"),
    "binary": (frame(random.Random(7).randbytes(5000).replace(START, b"").replace(END, b"")), "AE"),
    "no start block": (oru() + END, "AE"),
    "no framing": (oru(), "AE"),
    "too large": (frame(oru(text="x" * 200_000)), "AR"),
    "too large, without an end": (START + b"MSH|" + b"x" * 200_000, "AR"),
    "noise": (random.Random(7).randbytes(300_000).replace(START, b"").replace(END, b""), "AR"),
}


@pytest.mark.parametrize(("data", "expected"), BAD.values(), ids=BAD)
def test_what_cannot_be_taken_is_answered(
    data: bytes, expected: str, sqlite: Database, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """With a plain text; the connection and the others live on, and no log has a word of it."""
    caplog.set_level(logging.DEBUG)
    silence_s = 20 if len(data) > 100_000 else 0.4  # a large one comes in parts
    port = start(sqlite, max_message_bytes=100_000, noise_s=silence_s).port
    with Client(port) as other, Client(port) as client:
        assert code(other.ask(oru("M1"))) == "AA"
        client.send(data)
        answer = client.answer()

        assert code(answer) == expected
        assert len(msa(answer)[3]) > 5
        assert code(client.ask(oru("M2"))) == "AA"
        assert code(other.ask(oru("M3"))) == "AA"
    assert count(sqlite) == 3
    logged = " ".join(f"{record.getMessage()} {record.__dict__.get('fields')}" for record in caplog.records)
    assert not [word for word in CANARIES if word in logged]


def test_a_long_report_is_taken(sqlite: Database, start: Start) -> None:
    """One of a megabyte."""
    with Client(start(sqlite).port) as client:
        assert code(client.ask(oru(text="No effusion. " * 80_000))) == "AA"


def test_twenty_megabytes_of_noise_leave_the_connection_alive(sqlite: Database, start: Start) -> None:
    """And memory bounded; start blocks within it are nothing special."""
    noise = random.Random(7).randbytes(1_000_000) * 20
    with Client(start(sqlite).port) as client:
        client.send(noise)
        client.send(frame(oru("LAST")))

        while msa(answer := client.answer())[1] != "AA":
            pass
    assert msa(answer) == ["MSA", "AA", "LAST"]


def test_a_message_that_does_not_end_is_answered(sqlite: Database, start: Start) -> None:
    """After its time; the connection lives on."""
    with Client(start(sqlite, message_s=0.5).port) as client:
        client.send(START + oru()[:50])

        assert code(client.answer()) == "AE"
        client.send(oru()[50:] + END)
        assert code(client.ask(oru("M2"))) == "AA"
    assert count(sqlite) == 1


def test_a_slow_message_cannot_hold_its_place(sqlite: Database, start: Start) -> None:
    """One byte at a time does not prolong its time."""
    with Client(start(sqlite, message_s=0.3).port) as client:
        client.send(START)
        began = time.monotonic()
        client.sock.settimeout(0.02)
        while time.monotonic() - began < 60:
            client.send(b"x")
            try:
                answer = client.answer()
                break
            except TimeoutError:
                continue

        assert code(answer) == "AE"
        assert time.monotonic() - began < 25  # and not the 30 s that a message may take otherwise


def test_a_silent_connection_is_closed(sqlite: Database, start: Start) -> None:
    """After its idle time."""
    with Client(start(sqlite, idle_s=1.0).port) as client:
        assert code(client.ask(oru())) == "AA"
        with pytest.raises(EOFError):
            client.answer()


def test_connections_above_the_limit_are_closed(sqlite: Database, start: Start) -> None:
    """Those that are there are not disturbed, and a place that becomes free is given away."""
    refused: list[tuple[str, str]] = []
    port = start(sqlite, refused=refused, max_connections=3).port
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(port)) for _ in range(3)]
        assert [code(client.ask(oru())) for client in clients] == ["AA"] * 3
        with Client(port) as one_more, pytest.raises((EOFError, ConnectionError)):
            one_more.ask(oru())
        assert [code(client.ask(oru())) for client in clients] == ["AA"] * 3

    def answered() -> bool:
        try:
            with Client(port) as client:
                return code(client.ask(oru())) == "AA"
        except (EOFError, ConnectionError):
            return False

    wait_until(answered, timeout_s=30, what="no place became free")
    assert refused[0] == (HOST, "too many connections")


def test_an_unknown_address_is_refused(sqlite: Database, start: Start) -> None:
    """And told to whoever keeps the audit log."""
    refused: list[tuple[str, str]] = []
    port = start(sqlite, networks=(ipaddress.ip_network("10.0.0.0/8"),), refused=refused).port

    with Client(port) as client, pytest.raises((EOFError, ConnectionError)):
        client.ask(oru())

    assert refused == [(HOST, "address not admitted")]
    assert count(sqlite) == 0


def test_enhanced_mode_is_answered_as_asked(sqlite: Database, start: Start) -> None:
    """CA for what is safe; nothing where nothing is wanted."""
    with Client(start(sqlite).port) as client:
        assert msa(client.ask(oru("M1", msh="|||AL|NE"))) == ["MSA", "CA", "M1"]
        client.send(frame(oru("M2", msh="|||NE|NE")))
        assert msa(client.ask(oru("M3"))) == ["MSA", "AA", "M3"]
    assert count(sqlite) == 3


def test_a_stop_answers_what_is_being_stored(sqlite: Database) -> None:
    """And closes the other connections."""
    began, go_on = threading.Event(), threading.Event()
    intake = intake_of(sqlite)

    def slow(frames: Sequence[Received]) -> list[list[bytes]]:
        began.set()
        assert go_on.wait(20)
        return intake.receive(frames)

    listener = Listener(host=HOST, port=0, networks=LOOPBACK, receive=slow, on_reject=lambda *_: None)
    listener.start()
    with Client(listener.port) as idle, Client(listener.port) as busy:
        busy.send(frame(oru()))
        assert began.wait(20)
        stopper = threading.Thread(target=listener.stop)
        stopper.start()
        with pytest.raises((EOFError, ConnectionError)):
            idle.answer()
        go_on.set()

        assert code(busy.answer()) == "AA"
        stopper.join(30)
        assert not stopper.is_alive()


def test_a_listener_can_be_stopped_before_it_was_started(sqlite: Database) -> None:
    """Its port is free again."""
    listener = Listener(
        host=HOST, port=0, networks=LOOPBACK, receive=intake_of(sqlite).receive, on_reject=lambda *_: None
    )

    listener.stop()

    socket.create_server((HOST, listener.port)).close()


def test_below_the_floor_nothing_is_stored_or_acknowledged(sqlite: Database) -> None:
    """AE while the disk is nearly full; what is wrong for another reason hears that; and then it goes on."""
    trouble: list[str | None] = ["the disk is below min_free_mb", "the disk is below min_free_mb", None]
    intake = replace(intake_of(sqlite), disk=lambda: trouble.pop(0))
    report, other = (
        Received(content=each, peer_address=HOST) for each in (oru(), oru().replace(b"ORU^R01", b"ADT^A01"))
    )

    answers = [
        code(answers[0]) for frames in ([report], [other, report], [report]) for answers in intake.receive(frames)
    ]

    assert answers == ["AE", "AR", "AE", "AA"]
    assert count(sqlite) == 1


@pytest.mark.peer
def test_without_its_database_nothing_is_acknowledged(start: Start) -> None:
    """AE while PostgreSQL is down, AA when it is back, on the same connection."""
    server = Postgres()
    try:
        database = connect(server.create_database().replace("postgresql://", "postgresql+psycopg://"))
        migration.upgrade(database)
        with Client(start(database).port) as client:
            assert code(client.ask(oru("M1"))) == "AA"
            server.kill()
            answers = [client.ask(oru("M2")) for _ in range(2)]
            server.start()
            wait_until(lambda: code(client.ask(oru("M2"))) == "AA", timeout_s=20, what="no AA after the restart")
        assert [code(answer) for answer in answers] == ["AE", "AE"]
        assert count(database) == 2
        database.close()
    finally:
        server.close()


IN_ITS_OWN_PROCESS = """
import os, signal, sys, time
from datetime import UTC, datetime
from ipaddress import ip_network
from db.engine import connect
from node.hl7.intake import Intake
from node.hl7.listener import Listener

intake = Intake(database=connect(sys.argv[1]), accession_from=("OBR-3",), now=lambda: datetime.now(UTC))

def receive(frames):
    answers = intake.receive(frames)
    if sys.argv[2] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return answers

networks = [ip_network("127.0.0.0/8")]
listener = Listener(host="127.0.0.1", port=0, networks=networks, receive=receive, on_reject=lambda *_: None)
listener.start()
print(listener.port, flush=True)
time.sleep(60)
"""


@contextmanager
def process(database: Database, how: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A listener in a process of its own, which it ends with SIGKILL, and its port."""
    url = database.engine.url.render_as_string(hide_password=False)
    with subprocess.Popen(
        [sys.executable, "-c", IN_ITS_OWN_PROCESS, url, how],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as running:
        assert running.stdout is not None
        yield running, int(running.stdout.readline())
        running.kill()


def test_a_kill_between_commit_and_answer_stores_nothing_twice(sqlite: Database, start: Start) -> None:
    """The sender heard nothing and sends again: AA, and one report."""
    with process(sqlite, "die") as (running, port):
        with Client(port) as client, pytest.raises((EOFError, ConnectionError)):
            client.ask(oru())
        assert running.wait(30) == -signal.SIGKILL
    stored_unanswered = count(sqlite)

    with Client(start(sqlite).port) as client:
        answer = client.ask(oru())

    assert stored_unanswered == 1
    assert code(answer) == "AA"
    assert count(sqlite) == 1


def test_kills_at_any_moment_lose_nothing_and_store_nothing_twice(sqlite: Database) -> None:
    """Four senders that send again what was not acknowledged; three kills under way."""
    chance = random.Random(7)
    names = [f"S{sender}-{number}" for sender in range(4) for number in range(1000)]
    acknowledged: set[str] = set()

    def send(port: int, mine: list[str]) -> None:
        try:
            with Client(port) as client:
                for name in mine:
                    if code(client.ask(oru(name, accession=name))) == "AA":
                        acknowledged.add(name)
        except (EOFError, OSError):
            return

    for _ in range(3):
        before = len(acknowledged)
        with process(sqlite, "live") as (running, port):
            senders = [
                threading.Thread(
                    target=send,
                    args=(port, [each for each in names if each not in acknowledged and each.startswith(f"S{n}-")]),
                )
                for n in range(4)
            ]
            for sender in senders:
                sender.start()
            wait_until(lambda before=before: len(acknowledged) > before, timeout_s=60, what="nothing is acknowledged")
            time.sleep(chance.uniform(0, 0.5))
            running.kill()
            for sender in senders:
                sender.join()

    with sqlite.read() as connection:
        counts = {name: reports.count(connection, name) for name in names}
    assert acknowledged
    assert {name for name in acknowledged if counts[name] != 1} == set()
    assert max(counts.values()) == 1


def test_every_public_sample_is_stored_and_answered(shared_data: Path, database: Database, start: Start) -> None:
    """All 364 of them."""
    paths = sorted((shared_data / "hl7_oru" / "messages").glob("*.hl7"))
    with Client(start(database).port) as client:
        codes = [code(client.ask(path.read_bytes())) for path in paths]

    assert codes == ["AA"] * len(paths)
    assert count(database) == len(paths)

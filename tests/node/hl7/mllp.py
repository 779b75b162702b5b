"""A RIS that speaks MLLP over a plain socket, and messages for it to send."""

import socket

START, END = b"\x0b", b"\x1c\r"
HOST = "127.0.0.1"


def oru(
    control_id: str = "M1",
    *,
    accession: str = "A1",
    text: str = "Clear lungs.",
    status: str = "F",
    at: str = "20260301120000+0000",
    msh: str = "",
) -> bytes:
    """An ORU^R01 of one report; `msh` is what follows MSH-12."""
    return (
        f"MSH|^~\\&|RIS|HOSPITAL|CXR|NODE|{at}||ORU^R01^ORU_R01|{control_id}|P|2.5.1{msh}\r"
        "PID|1||P1^^^HOSPITAL^MR||CANARY^PATIENT\r"
        f"ORC|RE|PL{accession}|{accession}\r"
        f"OBR|1|PL{accession}|{accession}|36643-5^XR Chest^LN||||||||||||||||||{at}|||{status}\r"
        f"OBX|1|TX|36643-5&GDT||{text}||||||{status}\r"
    ).encode()


class Client:
    """One connection; `received` is what has come and was not asked for yet."""

    def __init__(self, port: int, *, timeout_s: float = 20) -> None:
        self.sock = socket.create_connection((HOST, port), timeout=timeout_s)
        self.received = b""

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def answer(self) -> bytes:
        """The next answer, without its framing.

        Raises:
            EOFError: the connection was closed.
        """
        while END not in self.received:
            data = self.sock.recv(65536)
            if not data:
                raise EOFError
            self.received += data
        content, _, self.received = self.received.partition(END)
        assert content.startswith(START)
        return content[1:]

    def ask(self, message: bytes) -> bytes:
        """Send a message in a frame; its answer."""
        self.send(START + message + END)
        return self.answer()


def code(answer: bytes) -> str:
    """MSA-1."""
    return msa(answer)[1]


def msa(answer: bytes) -> list[str]:
    """The fields of MSA."""
    (segment,) = [each for each in answer.split(b"\r") if each.startswith(b"MSA")]
    return segment.decode().split("|")

"""One peer of the MLLP listener: bytes to frames, frames to the intake, answers back in the order of the messages."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from node.hl7.errors import Condition, Hl7Error, MalformedMessageError, UnsupportedMessageError
from node.hl7.framing import Deframer, Fault, frame
from node.hl7.intake import Received

READ_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how much a connection may take."""

    max_message_bytes: int = 16 * 1024 * 1024
    """The largest frame."""
    message_s: float = 30.0
    """From a frame's start block to its end, and for the peer to take an answer."""
    idle_s: float = 3600.0
    """From one frame to the start of the next."""
    noise_s: float = 2.0
    """Of silence after bytes outside a frame, until they are answered."""
    max_connections: int = 64
    """Open connections; the next is closed."""


class Connection:
    """One peer."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        address: str,
        limits: Limits,
        ask: Callable[[Received], Awaitable[list[bytes]]],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._address = address
        self._limits = limits
        self._ask = ask
        self._deframer = Deframer(limits.max_message_bytes)
        self._busy = False
        self._ending = False

    def end(self) -> bool:
        """Ask it to end after the answer it waits for; False if it waits for none."""
        self._ending = True
        return self._busy

    async def serve(self) -> None:
        """Answer frames until the peer closes the connection or is silent for too long."""
        now = asyncio.get_running_loop().time
        idle_since = began = now()
        while not self._ending:
            begun = self._deframer.begun
            try:
                async with asyncio.timeout_at(self._deadline(idle_since, began, now())):
                    data = await self._reader.read(READ_BYTES)
            except TimeoutError:
                if not await self._overdue():
                    return
                idle_since = now()
                continue
            if not data:
                await self._overdue()
                return
            for event in self._deframer.feed(data):
                await self._answer(event)
                idle_since = now()
            if self._deframer.begun != begun:
                began = now()

    def _deadline(self, idle_since: float, began: float, now: float) -> float:
        if self._deframer.inside:
            return began + self._limits.message_s
        idle = idle_since + self._limits.idle_s
        return min(idle, now + self._limits.noise_s) if self._deframer.noisy else idle

    async def _overdue(self) -> bool:
        """Say what is the matter with what is incomplete; False if nothing is, and the connection is only idle."""
        error: Hl7Error
        if self._deframer.inside:
            error = MalformedMessageError(Condition.SEGMENT_SEQUENCE_ERROR, "the message's end did not come in time")
        elif self._deframer.noisy:
            error = _FAULTS[Fault.NOISE]
        else:
            return False
        self._deframer.give_up()
        await self._exchange(self._received(error=error))
        return True

    async def _answer(self, event: bytes | Fault) -> None:
        received = self._received(error=_FAULTS[event]) if isinstance(event, Fault) else self._received(event)
        await self._exchange(received)

    async def _exchange(self, received: Received) -> None:
        self._busy = True
        await self._send(await self._ask(received))
        self._busy = False

    def _received(self, content: bytes = b"", error: Hl7Error | None = None) -> Received:
        return Received(content=content, peer_address=self._address, error=error)

    async def _send(self, answers: list[bytes]) -> None:
        if answers:
            self._writer.write(b"".join(frame(answer) for answer in answers))
            async with asyncio.timeout(self._limits.message_s):
                await self._writer.drain()


_FAULTS: dict[Fault, Hl7Error] = {
    Fault.NOISE: MalformedMessageError(Condition.SEGMENT_SEQUENCE_ERROR, "no MLLP start block before the message"),
    Fault.TOO_LARGE: UnsupportedMessageError(Condition.DATA_TYPE_ERROR, "the message is above the size limit"),
}

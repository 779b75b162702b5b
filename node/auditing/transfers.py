"""Studies that came and results that went, as entries of the audit log: what a site's audit repository asks for.

An entry for each study that settled, and for what one run of a delivery brought to its destination, in the transaction
that says so. A node that sends its audit log nowhere leaves them out, since its own rows say the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from db import audit
from db.engine import Connection
from db.records import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfers:
    """Writes them down, if they are wanted."""

    wanted: bool
    now: Callable[[], datetime]

    def received(self, connection: Connection, study: Study) -> None:
        """A study is complete, as far as its sender has said."""
        if not self.wanted:
            return
        detail = {"revision": study.revision + 1}
        audit.append(
            connection,
            actor=study.calling_ae or "unknown",
            action="study.receive",
            subject=study.study_instance_uid,
            now=self.now(),
            detail=detail,
        )

    def delivered(self, connection: Connection, destination: str, study_id: int, objects: int) -> None:
        """A destination took objects of a study."""
        if not self.wanted:
            return
        detail = {"destination": destination, "objects": objects}
        audit.append(
            connection, actor="node", action="study.deliver", subject=f"study {study_id}", now=self.now(), detail=detail
        )

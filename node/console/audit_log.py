"""The audit log: who did what, page by page, and whether it is what was written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from db import audit, audit_sending
from db.engine import Database
from node.console import paging, system
from node.console.access import Visit
from node.console.frame import Frame
from node.console.viewing import Viewing

FILTERS = ("actor", "action", "subject")
LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLog:
    """For administrators: it names who looked at which study."""

    database: Database
    viewing: Viewing
    frame: Frame
    collector: str | None = None
    """Where its entries are sent, too."""

    def show(self, visit: Visit) -> Response:
        """The newest entries, by who, what and whom."""
        chosen = {name: visit.request.query_params.get(name, "").strip()[:LONGEST] for name in FILTERS}
        asked = {name: value.replace("\0", "") for name, value in chosen.items() if value}
        with self.database.read() as connection:
            found = audit.found(connection, paging.SHOWN + 1, before=paging.asked_before(visit), **asked)
            unsent = audit_sending.unsent(connection) if self.collector else None
        self.viewing.viewed(visit, "audit.view", "audit")
        shown, next_before = paging.cut(found)
        return system.page(
            self.frame,
            "system_audit.html",
            visit,
            entries=[(entry, _words(entry.detail)) for entry in shown],
            chosen=chosen,
            collector=self.collector,
            unsent=unsent,
            older=None if next_before is None else urlencode(asked | {"before": next_before}),
        )

    def verify(self, visit: Visit) -> Response:
        """Work out every digest again, and say what was found."""
        with self.database.read() as connection:
            chain = audit.examine(connection)
        return self.frame.page("audit_chain.html", visit, chain=chain)


def _words(detail: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in detail.items() if value not in (None, "", [], {}))


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

"""The DICOM objects of a study, to be taken along: what was received and what was made of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from db import dossier
from db.engine import Database
from db.records import StoredInstance
from db.result_records import Result
from node.console.access import Visit
from node.console.subject import number, study_uid
from node.console.viewing import Viewing
from node.files import InstanceStore
from node.upkeep import integrity, quarantine

GONE = "The file is gone, or is not what it was. An administrator can restore it from a backup."


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    """Hands files out as they lie in the store, whole ones only; each is an entry in the audit log."""

    database: Database
    store: InstanceStore
    viewing: Viewing
    now: Callable[[], datetime]

    def instance(self, visit: Visit) -> Response:
        """A received object."""
        uid = study_uid(visit)
        with self.database.read() as connection:
            found = dossier.image(connection, uid, number(visit))
        return self._file(visit, uid, found)

    def result(self, visit: Visit) -> Response:
        """A result object, taken back or not."""
        uid = study_uid(visit)
        with self.database.read() as connection:
            found = dossier.result_under(connection, uid, number(visit))
        return self._file(visit, uid, found)

    def _file(self, visit: Visit, study_instance_uid: str, found: StoredInstance | Result | None) -> Response:
        if found is None:
            raise HTTPException(404, "The study has no such object.")
        if quarantine.inspect(self.database, self.store, integrity.of(found), self.now()) is not None:
            raise HTTPException(410, GONE)
        self.viewing.viewed(visit, "study.download", study_instance_uid, {"sop_instance_uid": found.sop_instance_uid})
        return FileResponse(
            self.store.path(found.path), media_type="application/dicom", filename=f"{found.sop_instance_uid}.dcm"
        )

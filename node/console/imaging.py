"""The radiograph and the heat maps of a study's page, as pictures."""

from dataclasses import dataclass
from typing import Protocol

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from db import dossier
from db.engine import Database
from db.records import StoredInstance
from inference.errors import NotReadable
from node.console.access import Visit
from node.console.subject import number, study_uid
from node.pictures.shelf import Size


class Pictures(Protocol):
    """Who makes pictures (`node.pictures.gallery`)."""

    def ready(self) -> None:
        """Somebody may soon want one; returns at once."""

    def radiograph(self, instance: StoredInstance, size: Size) -> bytes:
        """A stored image as PNG; raises NotReadable."""

    def heat(self, instance_id: int, model_version: str, finding: str) -> bytes | None:
        """A finding's heat map as PNG, None if this model has not read the image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imaging:
    """Pictures of the images of a study, for who is logged in; a picture that cannot be made says why, as text."""

    database: Database
    pictures: Pictures

    def radiograph(self, visit: Visit) -> Response:
        """An image in one of two sizes."""
        size = str(visit.request.path_params["size"])
        if size not in list(Size):
            raise HTTPException(404)
        try:
            picture = self.pictures.radiograph(self._instance(visit), Size(size))
        except NotReadable as error:
            return PlainTextResponse(error.detail, status_code=409)
        return Response(picture, media_type="image/png")

    def heat(self, visit: Visit) -> Response:
        """A finding's heat map by a model version."""
        asked = visit.request.query_params
        picture = self.pictures.heat(self._instance(visit).id, asked.get("model", ""), asked.get("finding", ""))
        if picture is None:
            raise HTTPException(404, "No model of this version has a heat map of this finding.")
        return Response(picture, media_type="image/png")

    def _instance(self, visit: Visit) -> StoredInstance:
        with self.database.read() as connection:
            found = dossier.image(connection, study_uid(visit), number(visit))
        if found is None:
            raise HTTPException(404, "The study has no such image.")
        return found

"""The HTTP API: the node for programs, described by its own OpenAPI document."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from db.errors import (
    DatabaseError,
    DatabaseUnavailableError,
    ModelStateError,
    RowsRefusedError,
    TakenError,
    UnknownModelError,
)
from inference.errors import InferenceError
from node.console.api import acts, agreement, labels, lexicon, models, reports, state, studies, trainings, work
from node.console.api.basis import Basis
from node.console.words import sentence
from node.errors import NodeError
from node.labels.trials import UnderWayError
from node.models.promotion import WorseError
from node.process.implementation import SOFTWARE_VERSION
from node.study.acts import UnknownStudyError

log = logging.getLogger(__name__)

PREFIX = "/api/v1"
DESCRIPTION = """What the node received, found, sent and learned. Not a medical device; not for clinical use.

Every request brings a token: `Authorization: Bearer cxr_...`. Its scopes say what it may do.
Each view of a patient's data is in the audit log, in the name of the token's owner. Times are in UTC."""
SENTENCES = {
    400: "It cannot be done so; the sentence says why.",
    401: "No token, or one that is not known or has ended.",
    403: "The token, or its owner's role, does not open this.",
    404: "There is no such thing.",
    409: "It is not in a state for that, or somebody was faster.",
    410: "It was there, and its file is gone or is not what it was.",
    422: "What is asked for cannot be understood; the sentence says where.",
    429: "Too many wrong tokens came from this address.",
    503: "The database does not answer; try again in a moment.",
}
"""What a status means that is not of a success."""
STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (UnknownModelError, 404),
    (UnknownStudyError, 404),
    (ModelStateError, 409),
    (TakenError, 409),
    (WorseError, 409),
    (UnderWayError, 409),
    (RowsRefusedError, 400),
    (DatabaseUnavailableError, 503),
    (DatabaseError, 503),
    (InferenceError, 409),
    (NodeError, 400),
)
"""How an error is answered; the first that it is one of."""


class Refusal(BaseModel):
    """Why something was not done, in a sentence."""

    detail: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"description": meaning, "model": Refusal} for status, meaning in SENTENCES.items()
}


def build(basis: Basis) -> FastAPI:
    """The API of a node, to be mounted at `PREFIX`."""
    app = FastAPI(
        title="cxr-node",
        version=SOFTWARE_VERSION,
        description=DESCRIPTION,
        docs_url=None,  # both would fetch a script from elsewhere
        redoc_url=None,
        responses=REFUSALS,
        servers=[{"url": PREFIX}],
        generate_unique_id_function=lambda route: route.name,
    )
    for kind in (NodeError, DatabaseError, InferenceError):
        app.add_exception_handler(kind, _answer)
    app.add_exception_handler(RequestValidationError, _misunderstood)
    app.add_exception_handler(Exception, _fault)
    app.state.basis = basis
    for each in (studies, acts, reports, labels, lexicon, agreement, models, trainings, work, state):
        app.include_router(each.router)
    return app


def _answer(_request: Request, error: Exception) -> JSONResponse:
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    if status == 503:
        log.warning("no answer from the database", extra={"fields": {"error": type(error).__name__}})
        return JSONResponse({"detail": "The database does not answer; try again in a moment."}, status)
    return JSONResponse({"detail": sentence(error)}, status)


def _misunderstood(_request: Request, error: Exception) -> JSONResponse:
    """Where and why, without what was sent: that may name a patient."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - FastAPI calls this for it alone
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"][1:]))
    return JSONResponse({"detail": f"{place or 'The body'}: {first['msg'].rstrip('.')}."}, 422)


def _fault(_request: Request, error: Exception) -> JSONResponse:
    log.error("fault", exc_info=error)
    return JSONResponse({"detail": "A fault in the node."}, 500)

"""The HTTP API: the node for programs, described by its own OpenAPI document."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from db.errors import DatabaseError, DatabaseUnavailableError, ModelStateError, RowsRefusedError, UnknownModelError
from inference.errors import InferenceError
from node.console.api import models, reports, state, studies, work
from node.console.api.basis import Basis
from node.errors import NodeError
from node.implementation import SOFTWARE_VERSION
from node.models.promotion import WorseError

log = logging.getLogger(__name__)

PREFIX = "/api/v1"
DESCRIPTION = """What the node received, found, sent and learned. Not a medical device; not for clinical use.

Every request brings a token: `Authorization: Bearer cxr_...`. Its scopes say what it may do.
Each view of a patient's data is in the audit log, in the name of the token's owner. Times are in UTC."""
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "It cannot be done so; the sentence says why."},
    401: {"description": "No token, or one that is not known or has ended."},
    403: {"description": "The token, or its owner's role, does not open this."},
    404: {"description": "There is no such thing."},
    409: {"description": "It is not in a state for that, or somebody was faster."},
    429: {"description": "Too many wrong tokens came from this address."},
    503: {"description": "The database does not answer; try again in a moment."},
}
STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (UnknownModelError, 404),
    (ModelStateError, 409),
    (WorseError, 409),
    (RowsRefusedError, 400),
    (DatabaseUnavailableError, 503),
    (DatabaseError, 503),
    (InferenceError, 409),
    (NodeError, 400),
)
"""How an error is answered; the first that it is one of."""


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
    app.add_exception_handler(Exception, _fault)
    app.state.basis = basis
    for each in (studies, reports, work, models, state):
        app.include_router(each.router)
    return app


def _answer(_request: Request, error: Exception) -> JSONResponse:
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    if status == 503:
        log.warning("no answer from the database", extra={"fields": {"error": type(error).__name__}})
        return JSONResponse({"detail": "The database does not answer."}, status)
    sentence = str(error)
    return JSONResponse({"detail": f"{sentence[:1].upper()}{sentence[1:].rstrip('.')}."}, status)


def _fault(_request: Request, error: Exception) -> JSONResponse:
    log.error("fault", exc_info=error)
    return JSONResponse({"detail": "A fault in the node."}, 500)

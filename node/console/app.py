"""The web application: its pages, each with the role it takes, behind one door."""

import logging
from collections.abc import Callable, Collection
from datetime import datetime, tzinfo
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.engine import Database
from db.errors import DatabaseError
from db.records import Role
from db.sessions import Lifetime
from node.acts import Acts
from node.agreement.course import Band
from node.console.access import LOGIN, Cookie, Door, Page, Visit
from node.console.agreement import Agreement
from node.console.discrepancies import Discrepancies
from node.console.downloads import Downloads
from node.console.frame import Frame
from node.console.imaging import Imaging, Pictures
from node.console.labels import Labels
from node.console.lexicon import Lexicon
from node.console.live import Live
from node.console.login import Login
from node.console.masking import Mask
from node.console.models import Models
from node.console.promoting import Promoting
from node.console.report_search import ReportSearch
from node.console.reports import Reports
from node.console.sessions import Sessions
from node.console.static import Static
from node.console.study import StudyPage
from node.console.system import System
from node.console.trainings import Trainings
from node.console.viewing import Viewing
from node.console.worklist import Worklist
from node.files import InstanceStore
from node.labels.trials import Trials
from node.telemetry.watch import PATHS, Watch
from training.pseudonym import Pseudonyms

log = logging.getLogger(__name__)

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # With `no-referrer` a browser sends `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
NOTICES = {
    400: ("Not understood", "The request cannot be read."),
    403: ("Not for you", "This is not for your role."),
    404: ("Not here", "There is no such page."),
    405: ("Not understood", "This page does not take that."),
    503: ("Not now", "Try again in a moment."),
}
"""Title and sentence by status, where nobody has said more."""
DOWN = (
    "Nothing can be shown now",
    "The database does not answer. The node refuses images and reports until it does; senders keep them and send them "
    "again. Try again in a moment.",
)


def build(
    *,
    database: Database,
    data: Path,
    ae_title: str,
    encrypted: bool,
    lifetime: Lifetime,
    now: Callable[[], datetime],
    watch: Watch,
    trials: Trials,
    live: Live,
    store: InstanceStore,
    pictures: Pictures,
    viewer_url: str | None = None,
    watched: Collection[str] = PATHS,
    zone: tzinfo | None = None,
    pseudonyms: Pseudonyms | None = None,
    band: Band | None = None,
    fixed_model: bool = False,
) -> Starlette:
    """The application over a database and the data folder.

    Args:
        encrypted: whether it is served over TLS.
        trials: what tries another lexicon.
        live: what tells pages of changes; who stops the server closes it first.
        store: where the objects are.
        pictures: makes pictures of them.
        viewer_url: the address of a study in the site's viewer, with {study_uid} in it.
        watched: what of `watch` is answered here without a login.
        zone: in which times are shown; None is this machine's.
        pseudonyms: what patients are called where the site masks them.
        band: within which model and reports are to agree.
        fixed_model: whether the settings name the model that reads.
    """
    mask = Mask(pseudonyms)
    frame = Frame(ae_title, zone=zone, mask=mask)
    viewing = Viewing(database=database, masking=mask.on, now=now)
    sessions = Sessions(database=database, lifetime=lifetime, now=now)
    cookie = Cookie(encrypted=encrypted)
    models = Models(database=database, frame=frame, now=now, zone=zone, fixed=fixed_model)
    promoting = Promoting(database=database, data=data, pages=models, now=now)
    trainings = Trainings(database=database, data=data, frame=frame, now=now)
    study = StudyPage(
        database=database,
        acts=Acts(database=database, now=now),
        frame=frame,
        viewing=viewing,
        pictures=pictures,
        viewer_url=viewer_url,
    )
    imaging = Imaging(database=database, pictures=pictures)
    downloads = Downloads(database=database, store=store, viewing=viewing, now=now)
    every_page = (
        *pages(
            login=Login(sessions=sessions, cookie=cookie, frame=frame),
            worklist=Worklist(database=database, frame=frame, viewing=viewing, zone=zone),
            live=live,
            system=System(database=database, data=data, frame=frame),
            viewing=viewing,
            static=Static(),
            watch=watch,
            watched=watched,
        ),
        *_of_labels(
            labels=Labels(database=database, frame=frame, viewing=viewing, mask=mask),
            search=ReportSearch(database=database, frame=frame, viewing=viewing, zone=zone),
            reports=Reports(database=database, frame=frame, viewing=viewing, now=now),
            lexicon=Lexicon(database=database, frame=frame, trials=trials, now=now),
        ),
        *_of_agreement(
            discrepancies=Discrepancies(database=database, frame=frame, viewing=viewing, now=now),
            agreement=Agreement(database=database, frame=frame, band=band or Band(), now=now),
        ),
        *learning_pages(models, promoting, trainings),
        *study_pages(study, imaging, downloads),
    )
    frame.furnish(every_page)
    door = Door(sessions=sessions, cookie=cookie)
    return Starlette(
        routes=[Route(each.path, door.guard(each), methods=[each.method]) for each in every_page],
        middleware=[Middleware(_Secured)],
        exception_handlers={
            HTTPException: lambda request, error: _refused(frame, request, error),
            DatabaseError: lambda request, error: _down(frame, request, error),
            Exception: _fault,
        },
    )


def pages(
    *,
    login: Login,
    worklist: Worklist,
    live: Live,
    system: System,
    viewing: Viewing,
    static: Static,
    watch: Watch,
    watched: Collection[str],
) -> tuple[Page, ...]:
    """Everything that can be asked for, and the least role that may; None is everybody."""
    return (
        Page(path="/", role=Role.VIEWER, show=lambda _visit: RedirectResponse("/studies", status_code=303)),
        Page(path="/studies", role=Role.VIEWER, show=worklist.show, title="Studies"),
        Page(path="/worklist/rows", role=Role.VIEWER, show=worklist.rows, by_itself=True),
        Page(path="/worklist/changes", role=Role.VIEWER, show=live.changes, by_itself=True),
        Page(path="/system", role=Role.VIEWER, show=system.show, title="System"),
        Page(path="/system/counts", role=Role.VIEWER, show=system.counts, by_itself=True),
        Page(path="/studies/{study_uid}/unmask", role=Role.VIEWER, show=viewing.unmask, method="POST"),
        Page(path="/account", role=Role.VIEWER, show=login.account, title="Account"),
        Page(path="/account", role=Role.VIEWER, show=login.change_password, method="POST"),
        Page(path=LOGIN, role=None, show=login.show),
        Page(path=LOGIN, role=None, show=login.enter, method="POST"),
        Page(path="/logout", role=Role.VIEWER, show=login.leave, method="POST"),
        Page(path="/static/{name}", role=None, show=static.show),
        *(Page(path=path, role=None, show=lambda visit: _watched(watch, visit)) for path in watched),
    )


def _of_labels(*, labels: Labels, search: ReportSearch, reports: Reports, lexicon: Lexicon) -> tuple[Page, ...]:
    return (
        Page(path="/reports", role=Role.VIEWER, show=search.show, title="Reports"),
        Page(path="/reports/{report_id}", role=Role.VIEWER, show=reports.show),
        Page(path="/reports/{report_id}/labels", role=Role.RADIOLOGIST, show=reports.correct, method="POST"),
        Page(path="/reports/{report_id}/undo", role=Role.RADIOLOGIST, show=reports.take_back, method="POST"),
        Page(path="/labels", role=Role.VIEWER, show=labels.show, title="Labels"),
        Page(path="/labels/table.csv", role=Role.VIEWER, show=labels.table),
        Page(path="/labels/all.csv", role=Role.RADIOLOGIST, show=labels.every),
        Page(path="/lexicon", role=Role.RADIOLOGIST, show=lexicon.show),
        Page(path="/lexicon", role=Role.RADIOLOGIST, show=lexicon.begin, method="POST"),
        Page(path="/lexicon/{trial_id}", role=Role.RADIOLOGIST, show=lexicon.trial),
        Page(path="/lexicon/{trial_id}/progress", role=Role.RADIOLOGIST, show=lexicon.progress, by_itself=True),
        Page(path="/lexicon/{trial_id}/stop", role=Role.RADIOLOGIST, show=lexicon.stop, method="POST"),
    )


def _of_agreement(*, discrepancies: Discrepancies, agreement: Agreement) -> tuple[Page, ...]:
    return (
        Page(path="/discrepancies", role=Role.VIEWER, show=discrepancies.show, title="Discrepancies"),
        Page(path="/discrepancies", role=Role.RADIOLOGIST, show=discrepancies.decide, method="POST"),
        Page(path="/agreement", role=Role.VIEWER, show=agreement.show, title="Agreement"),
    )


def learning_pages(models: Models, promoting: Promoting, trainings: Trainings) -> tuple[Page, ...]:
    """The pages of models and trainings: everybody may look, an administrator acts."""
    look, act = Role.VIEWER, Role.ADMINISTRATOR
    return (
        Page(path="/models", role=look, show=models.show, title="Models"),
        Page(path="/models/rollback", role=act, show=promoting.roll_back, method="POST"),
        Page(path="/models/shadow/off", role=act, show=promoting.end_shadow, method="POST"),
        Page(path="/models/{version}", role=look, show=models.one),
        Page(path="/models/{version}/comparison", role=look, show=models.comparison, by_itself=True),
        Page(path="/models/{version}/compare", role=act, show=promoting.compare, method="POST"),
        Page(path="/models/{version}/promote", role=act, show=promoting.promote, method="POST"),
        Page(path="/models/{version}/shadow", role=act, show=promoting.cast_shadow, method="POST"),
        Page(path="/trainings", role=look, show=trainings.show, title="Training"),
        Page(path="/trainings", role=act, show=trainings.start, method="POST"),
        Page(path="/trainings/{version}", role=look, show=trainings.one),
        Page(path="/trainings/{version}/progress", role=look, show=trainings.progress, by_itself=True),
        Page(path="/trainings/{version}/stop", role=act, show=trainings.stop, method="POST"),
        Page(path="/trainings/{version}/go-on", role=act, show=trainings.go_on, method="POST"),
    )


def study_pages(study: StudyPage, imaging: Imaging, downloads: Downloads) -> tuple[Page, ...]:
    """What can be asked of one study. To take objects along is for who judges; it puts a patient's data elsewhere."""
    of = "/studies/{study_uid}"
    return (
        Page(path=of, role=Role.VIEWER, show=study.show),
        Page(path=f"{of}/images/{{number:int}}/heat", role=Role.VIEWER, show=imaging.heat),
        Page(path=f"{of}/images/{{number:int}}/{{size}}", role=Role.VIEWER, show=imaging.radiograph),
        Page(path=f"{of}/instances/{{number:int}}", role=Role.RADIOLOGIST, show=downloads.instance),
        Page(path=f"{of}/results/{{number:int}}", role=Role.RADIOLOGIST, show=downloads.result),
        Page(path=f"{of}/read", role=Role.ADMINISTRATOR, show=study.read_again, method="POST"),
        Page(path=f"{of}/send", role=Role.ADMINISTRATOR, show=study.send_again, method="POST"),
        Page(path=f"{of}/retract", role=Role.RADIOLOGIST, show=study.retract, method="POST"),
    )


def _watched(watch: Watch, visit: Visit) -> Response:
    """For a machine that watches; it logs in nowhere, and is told nothing of a patient."""
    answer = watch.answer(visit.request.url.path)
    return Response(answer.body, status_code=answer.status, headers={"Content-Type": answer.content_type})


def _refused(frame: Frame, request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls this for it alone
    title, sentence = NOTICES.get(error.status_code, NOTICES[400])
    said = error.detail if error.detail.endswith(".") else sentence
    response = frame.notice(request, error.status_code, title, said)
    response.headers.update(error.headers or {})
    return response


def _down(frame: Frame, request: Request, error: Exception) -> Response:
    log.warning("no answer from the database", extra={"fields": {"error": type(error).__name__}})
    return frame.notice(request, 503, *DOWN)


def _fault(_request: Request, error: Exception) -> Response:
    log.error("fault", exc_info=error)
    return PlainTextResponse("A fault in the node.", status_code=500, headers=HEADERS)


class _Secured:
    """Puts the security headers on every response, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)

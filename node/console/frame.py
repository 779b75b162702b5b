"""The frame around every page: its templates, the navigation, and what it says when something is not to be had."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from node.console import words
from node.console.access import FORM_TOKEN, Page, Visit
from node.console.masking import Mask, Named, person_name
from node.process.implementation import SOFTWARE_VERSION


class Frame:
    """Makes pages of templates. Whatever a template is given is text there, never HTML.

    Filters: `time`, `minute` and `day` show a time in the site's zone, `finding` a finding's name, `person_name` and
    `date` a name and a day of a header. `patient` is for whatever names a patient, `unnamed(study)` for a report: they
    mask it where the site wants that, unless the page was given `masked=False`.

    Args:
        zone: the site's; None is this machine's.
    """

    def __init__(self, ae_title: str, *, zone: tzinfo | None = None, mask: Mask | None = None) -> None:
        self._zone = zone
        self._mask = mask or Mask(None)
        self._environment = Environment(
            loader=PackageLoader("node.console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._environment.globals.update(ae_title=ae_title, version=SOFTWARE_VERSION, form_token_name=FORM_TOKEN)
        self._environment.globals.update(masked=self._mask.on)
        self._environment.filters.update(
            time=self._time,
            minute=self._minute,
            day=self._day,
            finding=words.finding,
            person_name=person_name,
            date=words.date,
            patient=self._patient,
            unnamed=self._unnamed,
        )
        self._pages: Sequence[Page] = ()

    def furnish(self, pages: Sequence[Page]) -> None:
        """The pages that the navigation leads to."""
        self._pages = pages

    def page(self, template: str, visit: Visit, status: int = 200, **values: Any) -> HTMLResponse:
        """A page for a visit."""
        return self._render(template, status, self._around(visit) | {"here": visit.request.url.path} | values)

    def notice(
        self,
        request: Request,
        status: int,
        title: str,
        sentence: str,
        visit: Visit | None = None,
        *,
        sent: Mapping[str, str] = MappingProxyType({}),
    ) -> HTMLResponse:
        """A page, or a part of one, with one sentence in place of what was asked for.

        Args:
            visit: of who is logged in; the menu is theirs. None, and there is no menu.
            sent: what a form sent; the page keeps it, to be sent once more.
        """
        words = {
            "here": request.url.path,
            "title": title,
            "sentence": sentence,
            "sent": sent,
            "around": "part.html" if "hx-request" in request.headers else "base.html",
        }
        return self._render("notice.html", status, (self._around(visit) if visit else {"person": None}) | words)

    def _around(self, visit: Visit) -> dict[str, Any]:
        """What the frame shows: who visits, and where they may go."""
        person = visit.person
        menu = [each for each in self._pages if each.title and person and each.role and person.role.includes(each.role)]
        return {"person": person, "menu": menu, "form_token": visit.form_token}

    def _time(self, at: datetime | None) -> Markup | str:
        return self._shown(at, "%Y-%m-%d %H:%M:%S")

    def _minute(self, at: datetime | None) -> Markup | str:
        return self._shown(at, "%Y-%m-%d %H:%M")

    def _day(self, at: datetime | None) -> Markup | str:
        return self._shown(at, "%Y-%m-%d")

    def _shown(self, at: datetime | None, form: str) -> Markup | str:
        if at is None:
            return ""
        there = at.astimezone(self._zone)
        exact = there.isoformat(timespec="seconds")
        return Markup('<time datetime="{}">{}</time>').format(exact, there.strftime(form))

    @pass_context
    def _patient(self, context: Context, value: str) -> str:
        return self._mask.value(value) if context["masked"] else value

    @pass_context
    def _unnamed(self, context: Context, text: str, study: Named) -> str:
        return self._mask.text(text, study) if context["masked"] else text

    def _render(self, template: str, status: int, words: dict[str, Any]) -> HTMLResponse:
        return HTMLResponse(self._environment.get_template(template).render(words), status_code=status)

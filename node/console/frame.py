"""The frame around every page: its templates, the navigation, and what it says when something is not to be had."""

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from node.console.access import FORM_TOKEN, Page, Visit
from node.implementation import SOFTWARE_VERSION


class Frame:
    """Makes pages of templates. Whatever a template is given is text there, never HTML."""

    def __init__(self, ae_title: str) -> None:
        self._environment = Environment(
            loader=PackageLoader("node.console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._environment.globals.update(ae_title=ae_title, version=SOFTWARE_VERSION, form_token_name=FORM_TOKEN)
        self._pages: Sequence[Page] = ()

    def furnish(self, pages: Sequence[Page]) -> None:
        """The pages that the navigation leads to."""
        self._pages = pages

    def page(self, template: str, visit: Visit, status: int = 200, **values: Any) -> HTMLResponse:
        """A page for a visit."""
        person = visit.person
        menu = [each for each in self._pages if each.title and person and each.role and person.role.includes(each.role)]
        words = {
            "person": person,
            "menu": menu,
            "here": visit.request.url.path,
            "form_token": visit.form_token,
        }
        return self._render(template, status, words | values)

    def notice(self, request: Request, status: int, title: str, sentence: str) -> HTMLResponse:
        """A page, or a part of one, with one sentence in place of what was asked for."""
        words = {
            "person": None,
            "menu": (),
            "here": request.url.path,
            "title": title,
            "sentence": sentence,
            "around": "part.html" if "hx-request" in request.headers else "base.html",
        }
        return self._render("notice.html", status, words)

    def _render(self, template: str, status: int, words: dict[str, Any]) -> HTMLResponse:
        return HTMLResponse(self._environment.get_template(template).render(words), status_code=status)

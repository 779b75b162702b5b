"""The files that pages are made of besides HTML; nothing is fetched from elsewhere."""

from importlib import resources

from starlette.exceptions import HTTPException
from starlette.responses import Response

from node.console.access import Visit

TYPES = {
    "beside.js": "text/javascript",
    "console.css": "text/css",
    "file.js": "text/javascript",
    "htmx.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "list.js": "text/javascript",
    "live.js": "text/javascript",
    "press.js": "text/javascript",
    "viewer.js": "text/javascript",
}


class Static:
    """The files by name, read once: what is asked for is never part of a path."""

    def __init__(self) -> None:
        folder = resources.files("node.console") / "static"
        self._files = {name: (folder / name).read_bytes() for name in TYPES}

    def show(self, visit: Visit) -> Response:
        """One of them.

        Raises:
            HTTPException: there is none of this name.
        """
        name = str(visit.request.path_params["name"])
        if name not in self._files:
            raise HTTPException(404)
        return Response(self._files[name], media_type=TYPES[name])

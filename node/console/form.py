"""What a form sends."""

from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

MOST_FIELDS = 50


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form by name; of a name that comes twice, the last.

    Raises:
        HTTPException: it is no form.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise HTTPException(415, "Only forms are taken here.")
    body = await request.body()
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise HTTPException(400, "The form cannot be read.") from error


def row_number(value: str) -> int | None:
    """The number of a row as an address or a form has it; None if it is none that a database can hold."""
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else None

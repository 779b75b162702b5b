"""Which study, and what of it, a page is asked for."""

import re

from starlette.exceptions import HTTPException

from node.console.access import Visit

UNKNOWN = "The node has no study of this UID. It may not have arrived, or the UID is another one."
_UID = re.compile(r"[0-9.]{1,64}", re.ASCII)
"""What a database may be asked for as a UID (DICOM PS3.5 9.1)."""


def study_uid(visit: Visit) -> str:
    """The Study Instance UID in the address.

    Raises:
        HTTPException: it is none.
    """
    uid = str(visit.request.path_params["study_uid"])
    if not _UID.fullmatch(uid):
        raise HTTPException(404, UNKNOWN)
    return uid


def number(visit: Visit) -> int:
    """The number in the address, of an image or a result."""
    return int(visit.request.path_params["number"])

"""What the node's statuses mean to who gets them (DICOM PS3.4 table B.2-1, PS3.7 annex C): meaning, and what to do."""

from collections.abc import Mapping

from node.dicom.command import (
    INVALID_ARGUMENT,
    NO_SUCH_ACTION,
    NO_SUCH_EVENT_TYPE,
    NO_SUCH_SOP_INSTANCE,
    PROCESSING_FAILURE,
    SOP_CLASS_NOT_SUPPORTED,
    SUCCESS,
    UNRECOGNIZED_OPERATION,
)
from node.errors import CANNOT_UNDERSTAND, DOES_NOT_MATCH, OUT_OF_RESOURCES

OF_STORE: Mapping[int, tuple[str, str]] = {
    SUCCESS: ("Stored: the data set and its database rows are on disk.", "Nothing; the node keeps it."),
    OUT_OF_RESOURCES: (
        "The disk is nearly full or failed, the database does not answer, or the data set is above the size limit.",
        "Send it again later. An object above the limit needs a larger limit first.",
    ),
    DOES_NOT_MATCH: (
        "SOP Class or SOP Instance UID differ between command and data set, or the Study, Series or SOP Instance UID "
        "is missing or not a UID.",
        "Correct the object; it would be refused again.",
    ),
    CANNOT_UNDERSTAND: ("The data set is malformed.", "Correct the object; it would be refused again."),
    SOP_CLASS_NOT_SUPPORTED: (
        "The command has no data set, or its SOP Class is not that of the presentation context.",
        "Correct the sender.",
    ),
    PROCESSING_FAILURE: ("A fault in the node; nothing was stored.", "Tell the node's administrator."),
}
"""Of a C-STORE response. None of them is a warning: what is taken is kept bit for bit."""

OF_COMMITMENT: Mapping[int, str] = {
    SUCCESS: "The request is kept durably, or the report was taken.",
    INVALID_ARGUMENT: "The data set is malformed, names no instance or is too long, or the transaction is not known.",
    NO_SUCH_SOP_INSTANCE: "Not the well-known instance of the service.",
    NO_SUCH_ACTION: "An action other than Request Storage Commitment.",
    NO_SUCH_EVENT_TYPE: "An event that the service does not have.",
    PROCESSING_FAILURE: "The database does not answer: send it again later.",
    UNRECOGNIZED_OPERATION: "Neither N-ACTION nor N-EVENT-REPORT.",
}
"""Of the responses to N-ACTION and N-EVENT-REPORT."""

"""What can be the matter with an HL7 message; what of it goes into the answer is never the message's own words."""

from enum import IntEnum

from node.errors import NodeError


class Condition(IntEnum):
    """HL7 table 0357, message error condition codes."""

    SEGMENT_SEQUENCE_ERROR = 100
    REQUIRED_FIELD_MISSING = 101
    DATA_TYPE_ERROR = 102
    TABLE_VALUE_NOT_FOUND = 103
    UNSUPPORTED_MESSAGE_TYPE = 200
    UNSUPPORTED_VERSION_ID = 203
    APPLICATION_INTERNAL_ERROR = 207

    @property
    def meaning(self) -> str:
        """The code's meaning in the table."""
        return self.name.replace("_", " ").capitalize()


class Hl7Error(NodeError):
    """A message is not taken. The text is for the sender and holds nothing of the message."""

    acknowledgement = "AE"
    """MSA-1 of the answer (HL7 table 0008)."""
    meaning = ""
    """When that is, and what the sender may do."""

    def __init__(self, condition: Condition, text: str) -> None:
        super().__init__(text)
        self.condition = condition
        self.text = text


class MalformedMessageError(Hl7Error):
    """It cannot be understood; mended, it may be sent again (AE)."""

    meaning = "The message cannot be understood; mended, it may be sent again."


class UnsupportedMessageError(Hl7Error):
    """It is of a type, version or form that is never taken (AR)."""

    acknowledgement = "AR"
    meaning = "The message is of a type or version that is not taken, or too large; it would be refused again."


class NotStoredError(Hl7Error):
    """The fault is the node's; the same message may be sent again later (AE)."""

    meaning = (
        "The database does not answer, its disk is nearly full, or there was a fault in the node; "
        "send the same message again later."
    )


ERRORS = (MalformedMessageError, NotStoredError, UnsupportedMessageError)
"""All that can be the matter."""

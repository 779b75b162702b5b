"""What can stop a result object from being built."""


class ObjectsError(Exception):
    """Base of the errors of this package."""


class MissingIdentifierError(ObjectsError):
    """The header lacks a UID without which a result cannot say what it belongs to.

    The text names the attribute, never its value: values may identify a patient.
    """

    def __init__(self, keyword: str) -> None:
        super().__init__(f"The header has no usable {keyword}; a result object cannot refer to the image.")
        self.keyword = keyword


class StudyMismatchError(ObjectsError):
    """The readings do not belong to the study of the identity they are built with."""


class TransferSyntaxError(ObjectsError):
    """The object cannot be written in this transfer syntax."""

    def __init__(self, transfer_syntax: str) -> None:
        super().__init__(f"A result object of this kind cannot be written in the transfer syntax {transfer_syntax}.")
        self.transfer_syntax = transfer_syntax


class NoFallbackError(ObjectsError):
    """An object cannot be had as another SOP Class."""

    def __init__(self, sop_class_uid: str, wanted: str) -> None:
        super().__init__(f"An object of SOP Class {sop_class_uid} cannot be had as {wanted}.")
        self.sop_class_uid = sop_class_uid
        self.wanted = wanted

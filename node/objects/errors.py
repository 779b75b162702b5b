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

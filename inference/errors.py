"""What can go wrong between an image and its findings."""

from db.vocabulary import Reason


class InferenceError(Exception):
    """Base of this package's errors."""


class NotReadable(InferenceError):  # noqa: N818  # a finding about an image, named as one
    """This image cannot be read; others can. The fault lies in the image.

    Attributes:
        reason: the code that is stored and shown.
        detail: one plain sentence, without anything that identifies a patient.
        tag: the attribute concerned, like "(0028,0010)", or None.
    """

    def __init__(self, reason: Reason, detail: str, tag: str | None = None) -> None:
        super().__init__(f"{reason}: {detail}" + (f" {tag}" if tag else ""))
        self.reason = reason
        self.detail = detail
        self.tag = tag

    def __reduce__(self) -> tuple[type["NotReadable"], tuple[Reason, str, str | None]]:
        """It comes back from a process of its own as it was."""
        return type(self), (self.reason, self.detail, self.tag)


class WeightsError(InferenceError):
    """A backbone's weights cannot be had or do not fit; the message is one sentence for a person."""


class BundleError(InferenceError):
    """The model on disk is not one that may serve: incomplete, altered or of an unknown kind."""


class ProcessError(InferenceError):
    """A process of this package cannot be started; nothing can be done with others either."""

"""What can go wrong in the running product; our fault and the peer's are different classes."""

OUT_OF_RESOURCES = 0xA700
DOES_NOT_MATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000
"""Why an instance is not taken: C-STORE statuses (DICOM PS3.4 table B.2-1)."""


class NodeError(Exception):
    """Base of this package's errors."""


class SettingsError(NodeError):
    """The settings cannot be used; the text says which and what to do."""


class InstallationError(NodeError):
    """A library that is installed cannot be used; the text says which and what to do."""


class PeerError(NodeError):
    """A peer broke the protocol or a limit; its association ends."""


class PeerClosedError(PeerError):
    """The peer aborted the association or closed the connection."""


class RefusedError(NodeError):
    """An instance is not taken; `status` is the C-STORE status (DICOM PS3.4 B.2.3)."""

    def __init__(self, status: int, comment: str) -> None:
        super().__init__(comment)
        self.status = status
        self.comment = comment


class UnreachableError(NodeError):
    """A destination does not answer, or refuses the association; `code` names which of these it is."""

    def __init__(self, words: str, code: str = "unreachable") -> None:
        super().__init__(words)
        self.code = code

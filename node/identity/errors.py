"""What can go wrong between a person, the identity provider and the node; the texts are sentences for the person."""

from node.errors import NodeError


class IdentityError(NodeError):
    """Base of the errors here; `code` names which it is, for the log."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class ProviderDownError(IdentityError):
    """The identity provider does not answer, or says what cannot be understood."""


class NotTrustedError(IdentityError):
    """What came back does not prove who the person is."""


class NotKnownError(IdentityError):
    """The person is who they are, and may not come in."""

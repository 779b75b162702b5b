"""Whom the node talks to, and about what (DICOM PS3.8 section 9.3, PS3.4 annex B)."""

import ipaddress
from dataclasses import dataclass

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    RLELossless,
    SecondaryCaptureImageStorage,
)
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
)
from pynetdicom.presentation import PresentationContext, build_context, negotiate_as_acceptor
from pynetdicom.sop_class import (  # type: ignore[attr-defined]  # pynetdicom makes these at import
    StorageCommitmentPushModel,
    Verification,
)

from node.process.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

STORAGE_CLASSES = (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    SecondaryCaptureImageStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
)
"""What a chest radiograph travels in."""

TRANSFER_SYNTAXES = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEGLosslessSV1,
    JPEGLossless,
    JPEGLSLossless,
    JPEG2000Lossless,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    RLELossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
    JPEG2000,
    HTJ2K,
)
"""In order of preference within one presentation context: a peer that offers a choice is never asked for loss.

Deflated Explicit VR Little Endian is left out: 260 kB of it can be 256 MB.
"""

UNCOMPRESSED = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
"""Of what has no pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A SOP Class that an association may be for, and its transfer syntaxes, the best first."""

    sop_class_uid: UID
    transfer_syntaxes: tuple[UID, ...]
    both_roles: bool = False
    """Whether the peer may be its user or its provider; otherwise it is the user."""


OFFERS = (
    *(Offer(sop_class_uid=uid, transfer_syntaxes=TRANSFER_SYNTAXES) for uid in STORAGE_CLASSES),
    Offer(sop_class_uid=Verification, transfer_syntaxes=UNCOMPRESSED),
    Offer(sop_class_uid=StorageCommitmentPushModel, transfer_syntaxes=UNCOMPRESSED, both_roles=True),
)
"""All that is accepted.

Storage Commitment is taken in both roles: a modality asks us (it is the SCU), and a PACS that was asked reports to us
on an association of its own (it is the SCP, and says so by role selection).
"""

REJECTED_PERMANENT, REJECTED_TRANSIENT = 1, 2
SERVICE_USER, SERVICE_PROVIDER_PRESENTATION = 1, 3
CALLING_AE_NOT_RECOGNIZED, CALLED_AE_NOT_RECOGNIZED, LOCAL_LIMIT_EXCEEDED = 3, 7, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A calling AE that may open an association: its title ("*" is any) and the networks it may call from.

    With `certificate_name`, only who shows a certificate that has this name.
    """

    ae_title: str
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    certificate_name: str | None = None

    def admits(self, calling_ae: str, address: str, names: frozenset[str] = frozenset()) -> bool:
        """True for a caller with this title from one of these networks; `names` are those of its certificate."""
        if self.certificate_name is not None and self.certificate_name not in names:
            return False
        caller = ipaddress.ip_address(address)
        if isinstance(caller, ipaddress.IPv6Address) and caller.ipv4_mapped:
            caller = caller.ipv4_mapped
        return self.ae_title in ("*", calling_ae) and any(caller in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Rejection:
    """An A-ASSOCIATE-RJ: result, source, reason (PS3.8 table 9-21), and the same in words."""

    result: int
    source: int
    reason: int
    words: str


TOO_MANY = Rejection(
    REJECTED_TRANSIENT, SERVICE_PROVIDER_PRESENTATION, LOCAL_LIMIT_EXCEEDED, "too many associations are open"
)
NOT_CALLED = Rejection(REJECTED_PERMANENT, SERVICE_USER, CALLED_AE_NOT_RECOGNIZED, "called AE title not recognized")
NOT_ADMITTED = Rejection(
    REJECTED_PERMANENT,
    SERVICE_USER,
    CALLING_AE_NOT_RECOGNIZED,
    "calling AE title not recognized from this address",
)
REJECTIONS = (TOO_MANY, NOT_CALLED, NOT_ADMITTED)
"""All that there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Whom and what the node accepts; deny by default."""

    ae_title: str
    peers: tuple[Peer, ...]

    def refuse(self, request: A_ASSOCIATE, address: str, names: frozenset[str] = frozenset()) -> Rejection | None:
        """Why this caller, whose certificate has these names, is turned away, or None."""
        calling, called = request.calling_ae_title, request.called_ae_title
        if called.strip() != self.ae_title:
            return NOT_CALLED
        if not any(peer.admits(calling.strip(), address, names) for peer in self.peers):
            return NOT_ADMITTED
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Negotiation:
    """One result for each proposed presentation context, and for each proposed role (PS3.7 D.3.3.4)."""

    contexts: list[PresentationContext]
    roles: list[SCP_SCU_RoleSelectionNegotiation]


def negotiate(request: A_ASSOCIATE) -> Negotiation:
    """Answer the proposed presentation contexts and roles (PS3.8 9.3.3.2)."""
    supported = [_supported(offer) for offer in OFFERS]
    proposed = {
        UID(item.sop_class_uid or ""): (item.scu_role, item.scp_role)
        for item in request.user_information
        if isinstance(item, SCP_SCU_RoleSelectionNegotiation)
    }
    contexts, roles = negotiate_as_acceptor(list(request.presentation_context_definition_list), supported, proposed)
    return Negotiation(contexts=contexts, roles=roles)


def _supported(offer: Offer) -> PresentationContext:
    context = build_context(offer.sop_class_uid, list(offer.transfer_syntaxes))
    if offer.both_roles:
        context.scu_role = context.scp_role = True
    return context


def answer(request: A_ASSOCIATE, negotiated: Negotiation, max_pdu_bytes: int) -> A_ASSOCIATE:
    """The A-ASSOCIATE-AC for a request whose contexts were negotiated."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = request.application_context_name
    primitive.calling_ae_title = request.calling_ae_title
    primitive.called_ae_title = request.called_ae_title
    primitive.result = 0
    primitive.presentation_context_definition_results_list = negotiated.contexts
    maximum_length = MaximumLengthNotification()
    maximum_length.maximum_length_received = max_pdu_bytes
    class_uid = ImplementationClassUIDNotification()
    class_uid.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    version = ImplementationVersionNameNotification()
    version.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    primitive.user_information = [maximum_length, class_uid, version, *negotiated.roles]
    return primitive

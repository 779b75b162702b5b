"""The query/retrieve service class user: C-FIND, then C-GET or C-MOVE, Study Root (DICOM PS3.4 annex C).

With C-GET the objects come as C-STORE requests on our own association (PS3.7 9.1.3), whose role is selected for it;
each data set goes to the intake as the bytes it came in. With C-MOVE the source opens an association of its own to
the node that runs under our AE title.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import build_role, evt
from pynetdicom.association import Association
from pynetdicom.events import EventHandlerType
from pynetdicom.sop_class import (  # type: ignore[attr-defined]  # pynetdicom makes these at import
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from inference.header import text
from node.dicom.acceptance import STORAGE_CLASSES, TRANSFER_SYNTAXES
from node.dicom.lines import IDLE_S, Lines
from node.dicom.opening import Address, associate
from node.dicom.outgoing import Form
from node.dicom.received import Received, Reception
from node.dicom.source import (
    MAX_MATCHES,
    TOO_MANY_INSTANCES,
    TOO_MANY_MATCHES,
    Fetched,
    Found,
    Series,
    SourceError,
    Take,
    Wanted,
)
from node.errors import SettingsError, UnreachableError

FIND, GET, MOVE = (
    str(StudyRootQueryRetrieveInformationModelFind),
    str(StudyRootQueryRetrieveInformationModelGet),
    str(StudyRootQueryRetrieveInformationModelMove),
)
PENDING = (0xFF00, 0xFF01)
DONE, SOME_FAILED = 0x0000, 0xB000
MOVE_DESTINATION_UNKNOWN = 0xA801
MEANINGS = (
    (range(0xA700, 0xA800), "it is out of resources"),
    (range(0xA900, 0xAA00), "it does not understand the question"),
    (range(0xC000, 0xD000), "it cannot process the question"),
    (range(0x0122, 0x0123), "it does not provide this service"),
    (range(0x0124, 0x0125), "it does not allow us to ask"),
    (range(0xFE00, 0xFE01), "it cancelled the transfer"),
)
"""Statuses in words (PS3.4 C.4.1.1.4, C.4.2.1.5 and C.4.3.1.4)."""


class Retriever(Lines[[], "RetrieveLine"]):
    """Asks one source, under our own AE title (see `node.dicom.source.Source`).

    An association proposed C-FIND and C-MOVE, or C-GET and every form of an image.

    Args:
        ae_title: ours, and the move destination.
        address: the source.
        move: by C-MOVE, not by C-GET.
        max_instances: of one study.
        max_bytes: of one data set.
    """

    def __init__(
        self,
        *,
        ae_title: str,
        address: Address,
        move: bool,
        max_instances: int,
        max_bytes: int,
        idle_s: float = IDLE_S,
    ) -> None:
        super().__init__(idle_s)
        self._ae_title = ae_title
        self._address = address
        self._move = move
        self._max_instances = max_instances
        self._max_bytes = max_bytes

    def _open(self) -> "RetrieveLine":
        models = (FIND, MOVE if self._move else GET)
        syntaxes = (str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))
        proposals: list[Form] = [(model, syntax) for model in models for syntax in syntaxes]
        roles = []
        received = Received(self._max_bytes)
        handlers: list[EventHandlerType] = []
        if not self._move:
            # A context for each syntax, so that what is stored in one is sent in it.
            proposals += [(str(kind), str(syntax)) for kind in STORAGE_CLASSES for syntax in TRANSFER_SYNTAXES]
            roles = [build_role(kind, scu_role=False, scp_role=True) for kind in STORAGE_CLASSES]
            handlers = [(evt.EVT_DATA_RECV, received.count), (evt.EVT_C_STORE, received.store)]
        assoc = associate(self._address, self._ae_title, proposals, roles=roles, handlers=handlers)
        line = RetrieveLine(assoc, self._address, self._ae_title, received, self._max_instances, move=self._move)
        line.require_services()
        return line


class RetrieveLine:
    """An association with a source (see `SourceLine`)."""

    def __init__(
        self,
        assoc: Association,
        address: Address,
        ae_title: str,
        received: Received,
        max_instances: int,
        *,
        move: bool,
    ) -> None:
        self._assoc = assoc
        self._address = address
        self._ae_title = ae_title
        self._received = received
        self._max_instances = max_instances
        self._model = MOVE if move else GET

    @property
    def alive(self) -> bool:
        """Whether the association is established."""
        return self._assoc.is_established

    def require_services(self) -> None:
        """End an association without the services that are asked for.

        Raises:
            UnreachableError: the source does not offer them.
        """
        accepted = {str(context.abstract_syntax) for context in self._assoc.accepted_contexts}
        words = {FIND: "C-FIND", GET: "C-GET", MOVE: "C-MOVE"}
        missing = [words[model] for model in (FIND, self._model) if model not in accepted]
        if not missing and self._model == GET and not any(context.as_scp for context in self._assoc.accepted_contexts):
            missing = ["C-GET with the storage of CR, DX or Secondary Capture"]
        if missing:
            self.close()
            other = "cmove" if self._model == GET else "cget"
            said = f"{self._address.name} does not offer {' and '.join(missing)} (Study Root)"
            raise UnreachableError(f'{said}: allow it there, or try protocol = "{other}"', "not_offered")

    def studies(self, wanted: Wanted) -> list[Found]:
        """C-FIND at the study level."""
        keys = Dataset()
        keys.QueryRetrieveLevel = "STUDY"
        if not wanted.accession_number.isascii():
            keys.SpecificCharacterSet = "ISO_IR 192"
        keys.StudyInstanceUID = wanted.study_instance_uid
        keys.AccessionNumber = "" if wanted.study_instance_uid else wanted.accession_number
        keys.ModalitiesInStudy = ""
        return [
            Found(
                study_instance_uid=text(match, "StudyInstanceUID"),
                accession_number=text(match, "AccessionNumber"),
                modalities=frozenset(text(match, "ModalitiesInStudy").split("\\")) - {""},
            )
            for match in self._find(keys)
        ]

    def series(self, study_instance_uid: str) -> list[Series]:
        """C-FIND at the series level."""
        keys = Dataset()
        keys.QueryRetrieveLevel = "SERIES"
        keys.StudyInstanceUID = study_instance_uid
        keys.SeriesInstanceUID = keys.Modality = ""
        keys.NumberOfSeriesRelatedInstances = None
        found = []
        for match in self._find(keys):
            number = text(match, "NumberOfSeriesRelatedInstances")
            found.append(
                Series(
                    series_instance_uid=text(match, "SeriesInstanceUID"),
                    modality=text(match, "Modality"),
                    instances=int(number) if number.isdecimal() else None,
                )
            )
        return found

    def fetch(self, study_instance_uid: str, series_instance_uids: Sequence[str], take: Take) -> Fetched:
        """C-GET or C-MOVE at the series level; with C-MOVE nothing is taken here, the running node does that.

        Raises:
            SettingsError: the source does not know the node as a move destination.
        """
        keys = Dataset()
        keys.QueryRetrieveLevel = "SERIES"
        keys.StudyInstanceUID = study_instance_uid
        keys.SeriesInstanceUID = list(series_instance_uids)
        reception = self._received.begin(take, self._address, self._max_instances)
        if self._model == MOVE:
            ask = partial(self._assoc.send_c_move, keys, self._ae_title, MOVE)
        else:
            ask = partial(self._assoc.send_c_get, keys, GET)
        final = self._last(ask, reception)
        return self._outcome(final, reception.fetched)

    def close(self) -> None:
        """Release the association."""
        if self.alive:
            self._assoc.release()

    def abort(self) -> None:
        """End the association at once."""
        if self.alive:
            self._assoc.abort()

    def _find(self, keys: Dataset) -> list[Dataset]:
        matches: list[Dataset] = []
        for status, match in self._answers(lambda: self._assoc.send_c_find(keys, FIND)):
            if status.Status in PENDING:
                matches += [] if match is None else [match]
                if len(matches) > MAX_MATCHES:
                    raise SourceError(f"{self._address.name}: {TOO_MANY_MATCHES}")
            elif status.Status != DONE:
                raise self._refused(status, "C-FIND")
        return matches

    def _last(self, ask: Callable[[], Iterator[tuple[Dataset, Dataset | None]]], reception: Reception) -> Dataset:
        """The final response; what came before it is bounded, and so is each wait."""
        pending, final = 0, Dataset()
        for status, _ in self._answers(ask, reception):
            if status.Status not in PENDING:
                final = status
                continue
            pending += 1
            if pending > 2 * self._max_instances + 100:
                raise SourceError(f"{self._address.name}: {TOO_MANY_INSTANCES}")
        return final

    def _answers(
        self, ask: Callable[[], Iterator[tuple[Dataset, Dataset | None]]], reception: Reception | None = None
    ) -> Iterator[tuple[Dataset, Dataset | None]]:
        who = f"does it let the AE title {self._ae_title!r} ask?"
        broken = f"{self._address.name} did not answer in time, or broke off; {who}"
        try:
            for status, identifier in ask():
                if reception is not None and reception.fault is not None:
                    raise reception.fault
                if "Status" not in status:
                    raise UnreachableError(broken)
                yield status, identifier
        except RuntimeError as error:  # it ended between two questions
            raise UnreachableError(f"{self._address.name} closed the association") from error

    def _outcome(self, final: Dataset, fetched: Fetched) -> Fetched:
        failed = int(final.get("NumberOfFailedSuboperations") or 0)
        done = sum(int(final.get(f"NumberOf{each}Suboperations") or 0) for each in ("Completed", "Warning"))
        if self._model == MOVE:
            fetched.taken = done
        if final.Status == MOVE_DESTINATION_UNKNOWN:
            raise SettingsError(
                f"{self._address.name} does not know the move destination {self._ae_title!r}, or cannot reach it: "
                "enter this node's AE title, host and port there, and see that cxr serve runs"
            )
        if final.Status not in (DONE, SOME_FAILED) and not (fetched.taken or fetched.refused):
            raise self._refused(final, "C-MOVE" if self._model == MOVE else "C-GET")
        unsent = 0 if final.Status in (DONE, SOME_FAILED) or failed else 1
        fetched.failed = max(0, failed - fetched.refused.total()) + unsent
        return fetched

    def _refused(self, status: Dataset, operation: str) -> SourceError:
        meaning = next((f" ({words})" for statuses, words in MEANINGS if status.Status in statuses), "")
        return SourceError(f"{self._address.name} answered {int(status.Status):#06x} to {operation}{meaning}")

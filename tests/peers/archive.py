"""An archive for tests that need none: a query/retrieve SCP that can misbehave."""

import threading
from collections.abc import Iterator
from typing import Any

import pydicom
import pytest
from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import FileDataset
from pydicom.uid import (
    AllTransferSyntaxes,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
)
from pynetdicom import AE, build_context, evt
from pynetdicom.events import Event
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from tests.peers.processes import HOST

SUCCESS, PENDING, CANCELLED, OUT_OF_RESOURCES = 0x0000, 0xFF00, 0xFE00, 0xA700


class QueryRetrieveScp:
    """A fake archive on loopback, Study Root.

    Attributes:
        holds: what it has.
        sends: what it sends in place of what it has, once set.
        abort_after: aborts a C-GET after so many objects.
        endless: answers C-FIND, or sends in C-GET, without end.
        find_status, get_status: the final status, in place of success.
        said: what it answers in place of what it was asked for, by keyword.
        questions: identifiers of C-FIND, in order; `fetches` of C-GET and C-MOVE.
        destinations: of C-MOVE, AE title to host and port.
    """

    ae_title = "ARCHIVE"
    host = HOST

    def __init__(self, *, services: str = "find get move") -> None:
        self.holds: list[FileDataset] = []
        self.sends: list[FileDataset] | None = None
        self.abort_after: int | None = None
        self.endless = False
        self.find_status = self.get_status = SUCCESS
        self.said: dict[str, Any] = {}
        self.questions: list[Dataset] = []
        self.fetches: list[Dataset] = []
        self.associations = 0
        self.destinations: dict[str, tuple[str, int]] = {}
        self._lock = threading.Lock()
        ae = AE(ae_title=self.ae_title)
        models = {
            "find": StudyRootQueryRetrieveInformationModelFind,
            "get": StudyRootQueryRetrieveInformationModelGet,
            "move": StudyRootQueryRetrieveInformationModelMove,
        }
        for service in services.split():
            ae.add_supported_context(models[service])
        for sop_class_uid in (ComputedRadiographyImageStorage, DigitalXRayImageStorageForPresentation):
            ae.add_supported_context(sop_class_uid, list(AllTransferSyntaxes), scu_role=False, scp_role=True)
        self._server = ae.start_server(
            (HOST, 0),
            block=False,
            evt_handlers=[
                (evt.EVT_C_FIND, self._find),
                (evt.EVT_C_GET, self._get),
                (evt.EVT_C_MOVE, self._move),
                (evt.EVT_ACCEPTED, self._accepted),
            ],
        )
        self.port = self._server.server_address[1]

    def stop(self) -> None:
        """Stop listening, and abort what is open."""
        self._server.shutdown()
        self._server.ae.shutdown()

    def settings(self, **more: Any) -> dict[str, Any]:
        """It as a source."""
        address = {"ae_title": self.ae_title, "host": self.host, "port": self.port}
        return {"name": "archive", "timeout_s": 30, "studies_per_minute": 1e6} | address | more

    def _accepted(self, _event: Event) -> None:
        with self._lock:
            self.associations += 1

    def _find(self, event: Event) -> Iterator[tuple[int, Dataset | None]]:
        keys = event.identifier
        self.questions.append(keys)
        if self.find_status != SUCCESS:
            yield self.find_status, None
            return
        seen: set[str] = set()
        level = "StudyInstanceUID" if keys.QueryRetrieveLevel == "STUDY" else "SeriesInstanceUID"
        for ds in self.holds:
            wanted = [keys.get(name) in (None, "", ds.get(name)) for name in ("StudyInstanceUID", "AccessionNumber")]
            if (ds[level].value in seen and not self.endless) or not all(wanted):
                continue
            seen.add(ds[level].value)
            yield PENDING, self._match(ds, keys, level)
            while self.endless:
                yield PENDING, self._match(ds, keys, level)

    def _match(self, ds: FileDataset, keys: Dataset, level: str) -> Dataset:
        match = Dataset()
        match.QueryRetrieveLevel = keys.QueryRetrieveLevel
        match.StudyInstanceUID, match.AccessionNumber = ds.StudyInstanceUID, ds.AccessionNumber
        of_level = [each for each in self.holds if each[level].value == ds[level].value]
        if level == "StudyInstanceUID":
            match.ModalitiesInStudy = sorted({each.Modality for each in of_level})
        else:
            match.SeriesInstanceUID, match.Modality = ds.SeriesInstanceUID, ds.Modality
            match.NumberOfSeriesRelatedInstances = len(of_level)
        for keyword, value in self.said.items():
            tag = tag_for_keyword(keyword) or 0
            match[tag] = DataElement(tag, dictionary_VR(tag), value, validation_mode=pydicom.config.IGNORE)
        return match

    def _asked_for(self, event: Event) -> list[FileDataset]:
        keys = event.identifier
        self.fetches.append(keys)
        if self.sends is not None:
            return self.sends
        series = keys.SeriesInstanceUID
        series = [series] if isinstance(series, str) else list(series)
        return [ds for ds in self.holds if ds.SeriesInstanceUID in series]

    def _get(self, event: Event) -> Iterator[Any]:
        found = self._asked_for(event)
        yield len(found)
        if self.get_status != SUCCESS:
            yield self.get_status, None
            return
        for number, ds in enumerate(found):
            if number == self.abort_after:
                event.assoc.abort()
                return
            yield PENDING, ds

    def _move(self, event: Event) -> Iterator[Any]:
        destination = self.destinations.get(event.move_destination)
        if destination is None:
            yield None, None
            return
        found = self._asked_for(event)
        contexts = [build_context(ds.SOPClassUID, ds.file_meta.TransferSyntaxUID) for ds in found]
        yield *destination, {"contexts": contexts}
        yield len(found)
        for ds in found:
            yield PENDING, ds


@pytest.fixture
def archive() -> Iterator[QueryRetrieveScp]:
    """A fake archive that is empty."""
    scp = QueryRetrieveScp()
    yield scp
    scp.stop()

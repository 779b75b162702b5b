"""A small PACS for the demonstration: a storage SCP that keeps what it is sent in a folder."""

import threading
from pathlib import Path

from pydicom.uid import UID, ExplicitVRLittleEndian
from pynetdicom import AE, StoragePresentationContexts, evt
from pynetdicom.events import Event

from node.process.implementation import IMPLEMENTATION_CLASS_UID

AE_TITLE = "DEMOPACS"


class Archive:
    """Listens on loopback from its making until `stop`; files are named after their modality."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._news = threading.Condition()
        self.received: dict[str, Path] = {}
        ae = AE(ae_title=AE_TITLE)
        for context in StoragePresentationContexts:
            ae.add_supported_context(str(context.abstract_syntax), ExplicitVRLittleEndian)
        server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, self._store)])
        if server is None:
            raise RuntimeError("pynetdicom started no server")
        self._server = server
        self.port: int = server.server_address[1]

    def wait_for(self, count: int, timeout_s: float) -> bool:
        """Wait until `count` objects are there; False if they were not in time."""
        with self._news:
            return self._news.wait_for(lambda: len(self.received) >= count, timeout_s)

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()

    def _store(self, event: Event) -> int:
        ds = event.dataset
        ds.file_meta = event.file_meta
        ds.file_meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
        name = {"SR": "report.dcm", "SEG": "segmentation.dcm"}.get(ds.Modality, "overlay.dcm")
        ds.save_as(self._folder / name, enforce_file_format=True)
        with self._news:
            self.received[name] = self._folder / name
            self._news.notify_all()
        return 0x0000

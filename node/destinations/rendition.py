"""A stored result in another form, for a destination that does not take the form it is stored in.

As another SOP Class a report says the same under a UID of its own, and in another transfer syntax an object is the
same object. What is made is made alike each time: nothing here asks for the time or for chance.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from pydicom import Dataset, dcmread, dcmwrite
from pydicom.uid import UID

from node.dicom.outgoing import Form, Outgoing, Rendition


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer:
    """Makes renditions (see `node.dicom.outgoing.Render`).

    Args:
        as_sop_class: a report as another SOP Class.
        transcoded: a DICOM file in another transfer syntax.
    """

    as_sop_class: Callable[[Dataset, str], Dataset]
    transcoded: Callable[[bytes, str], bytes]

    def __call__(self, outgoing: Outgoing, form: Form) -> Rendition:
        """Make one."""
        sop_class_uid, transfer_syntax_uid = form
        data, sop_instance_uid = outgoing.path.read_bytes(), outgoing.sop_instance_uid
        if sop_class_uid != outgoing.sop_class_uid:
            data, sop_instance_uid = self._renamed(data, sop_class_uid)
        sha256 = hashlib.sha256(data).hexdigest()  # of the object, in whatever syntax it then goes
        if transfer_syntax_uid != outgoing.transfer_syntax_uid:
            data = self.transcoded(data, transfer_syntax_uid)
        return Rendition(
            data=data,
            sop_class_uid=sop_class_uid,
            sop_instance_uid=sop_instance_uid,
            transfer_syntax_uid=transfer_syntax_uid,
            sha256=sha256,
        )

    def _renamed(self, data: bytes, sop_class_uid: str) -> tuple[bytes, str]:
        stored = dcmread(BytesIO(data))
        ds = self.as_sop_class(stored, sop_class_uid)
        ds.file_meta = stored.file_meta
        ds.file_meta.MediaStorageSOPClassUID = UID(ds.SOPClassUID)
        ds.file_meta.MediaStorageSOPInstanceUID = UID(ds.SOPInstanceUID)
        buffer = BytesIO()
        dcmwrite(buffer, ds, enforce_file_format=True)
        return buffer.getvalue(), str(ds.SOPInstanceUID)

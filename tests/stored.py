"""An image in a store as reception leaves it: the node's own File Meta Information, and the data set as it came."""

import hashlib
from dataclasses import replace
from io import BytesIO

from pydicom.dataset import FileDataset

from db.records import Arrival
from node.file_meta import Origin, file_meta
from node.files import InstanceStore
from tests.nodes import data_set


def put(store: InstanceStore, ds: FileDataset, arrival: Arrival) -> Arrival:
    """Store an image; its arrival, with the identity and the file that it has."""
    file = BytesIO()
    ds.save_as(file, enforce_file_format=True)
    data = data_set(file.getvalue())
    origin = Origin(
        sop_class_uid=ds.SOPClassUID,
        sop_instance_uid=ds.SOPInstanceUID,
        transfer_syntax_uid=ds.file_meta.TransferSyntaxUID,
        calling_ae=arrival.calling_ae,
        calling_address=arrival.calling_address,
    )
    return replace(
        arrival,
        sop_class_uid=origin.sop_class_uid,
        sop_instance_uid=origin.sop_instance_uid,
        transfer_syntax_uid=origin.transfer_syntax_uid,
        study_instance_uid=str(ds.StudyInstanceUID),
        series_instance_uid=str(ds.SeriesInstanceUID),
        path=store.put(file_meta(origin) + data),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )

"""The figures that the paper printed, on the authors' own test set (Wang et al. 2017, Tables 3 and 4)."""

from collections.abc import Mapping

from db.vocabulary import EIGHT

_NAMES = tuple(finding.name for finding in EIGHT)


def _printed(*values: float) -> Mapping[str, float]:
    return dict(zip(_NAMES, values, strict=True))


TABLE_3: Mapping[str, Mapping[str, float]] = {
    "AlexNet": _printed(0.6458, 0.6925, 0.6642, 0.6041, 0.5644, 0.6487, 0.5493, 0.7425),
    "GoogLeNet": _printed(0.6307, 0.7056, 0.6876, 0.6088, 0.5363, 0.5579, 0.5990, 0.7824),
    "VGG-16": _printed(0.6281, 0.7084, 0.6502, 0.5896, 0.5103, 0.6556, 0.5100, 0.7516),
    "ResNet-50, W-CEL": _printed(0.7069, 0.8141, 0.7362, 0.6128, 0.5609, 0.7164, 0.6333, 0.7891),
    "ResNet-50, CEL": _printed(0.7064, 0.7262, 0.7351, 0.6084, 0.5530, 0.6545, 0.5164, 0.7665),
}
"""AUC by network and finding."""

TABLE_4: Mapping[float, tuple[Mapping[str, float], Mapping[str, float]]] = {
    0.1: (
        _printed(0.7277, 0.9931, 0.7124, 0.7886, 0.4352, 0.1645, 0.7500, 0.4591),
        _printed(0.0823, 0.0487, 0.0589, 0.0426, 0.0691, 0.0630, 0.0691, 0.0264),
    ),
    0.25: (
        _printed(0.5500, 0.9794, 0.5424, 0.5772, 0.2823, 0.0506, 0.5583, 0.3469),
        _printed(0.1666, 0.1534, 0.1189, 0.0914, 0.0975, 0.0741, 0.1250, 0.0487),
    ),
    0.5: (
        _printed(0.2833, 0.8767, 0.3333, 0.4227, 0.1411, 0.0126, 0.3833, 0.1836),
        _printed(0.2703, 0.2611, 0.1859, 0.1422, 0.1209, 0.0772, 0.1768, 0.0772),
    ),
    0.75: (
        _printed(0.1666, 0.7260, 0.2418, 0.3252, 0.1176, 0.0126, 0.2583, 0.1020),
        _printed(0.3048, 0.3506, 0.2113, 0.1737, 0.1310, 0.0772, 0.2184, 0.0873),
    ),
    0.9: (
        _printed(0.1333, 0.6849, 0.2091, 0.2520, 0.0588, 0.0126, 0.2416, 0.0816),
        _printed(0.3160, 0.3983, 0.2235, 0.1910, 0.1402, 0.0772, 0.2317, 0.0904),
    ),
}
"""Accuracy and average false positives by finding, for each level of IoBB."""

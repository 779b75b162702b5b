"""The heat maps themselves: a fractional Segmentation, for who wants to see more than its cut at a threshold.

Not in what is built by default, since few viewers show one. A value is the map's level, 0 to 255, of the finding's
own range in this image: it says where, not how probable.
"""

from pydicom.dataset import Dataset

from db.result_records import ResultKind
from node.objects.header import Source
from node.objects.modules import Making
from node.objects.reading import HeatMaps, Reading
from node.objects.seg import describe, fill

KIND = ResultKind.HEATMAP


def build_heat_map(reading: Reading, heat: HeatMaps, source: Source, making: Making, instance_number: int) -> Dataset:
    """Put the heat map of each finding that is present into a frame."""
    maps = [heat[score.finding].tobytes() for score in reading.prediction.scores if score.present]
    segmentation = describe(reading.prediction, KIND, source, making, instance_number)
    fill(segmentation, reading.prediction, b"".join(maps))
    segmentation.SegmentsOverlap = "UNDEFINED"
    return segmentation

"""What the machine says when metrics are scraped: room on the disk, memory of its GPUs."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

MIB = 1024 * 1024
ASK_S = 2.0
QUERY = ("--query-gpu=index,memory.used,memory.total", "--format=csv,noheader,nounits")


class Machine(Collector):
    """Looks at the data folder's disk and, where NVIDIA's driver is, asks it; registers itself.

    The driver knows what ONNX Runtime and torch have taken together; neither has to be loaded for it.
    """

    def __init__(self, registry: CollectorRegistry, data: Path) -> None:
        self._data = data
        self._driver = shutil.which("nvidia-smi")
        registry.register(self)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The metrics without values."""
        return list(_families())

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The metrics, as it is now."""
        free, used, total = _families()
        if self._data.exists():
            free.add_metric([], shutil.disk_usage(self._data).free)
        for index, used_mib, total_mib in _gpus(self._driver):
            used.add_metric([index], used_mib * MIB)
            total.add_metric([index], total_mib * MIB)
        return [free, used, total]


def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily]:
    return (
        GaugeMetricFamily("cxr_free_disk_bytes", "Free space where the data folder is."),
        GaugeMetricFamily("cxr_gpu_memory_used_bytes", "Memory of a GPU in use, by anybody.", labels=["gpu"]),
        GaugeMetricFamily("cxr_gpu_memory_bytes", "Memory of a GPU.", labels=["gpu"]),
    )


def _gpus(driver: str | None) -> list[tuple[str, float, float]]:
    """Index, used and total memory in MiB of each GPU; none if the driver does not answer in time."""
    if driver is None:
        return []
    try:
        said = subprocess.run([driver, *QUERY], capture_output=True, text=True, timeout=ASK_S, check=True).stdout  # noqa: S603
        rows = [line.split(", ") for line in said.splitlines()]
        return [(index, float(used), float(total)) for index, used, total in rows]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []

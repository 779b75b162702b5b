"""A synthetic chest radiograph: shapes that a computer draws, of nobody.

The drawing follows the physics in outline. Shapes of soft tissue, air and bone add up to one attenuation per
pixel, which is blurred as by scatter, made noisy as by few photons, and turned into the grey values that a
detector sends for presentation (MONOCHROME2: what attenuates more is brighter).

Geometry is in a frame of x and y in [-1, 1], from the left and top edge of the image; the patient faces the
viewer, so that his left, with the heart's apex, is at positive x. Attenuation 1 is the thickest of a body.
"""

from collections.abc import Callable, Collection, Sequence

import numpy as np
import numpy.typing as npt
from pydicom.dataset import FileDataset
from scipy.ndimage import gaussian_filter, zoom  # type: ignore[import-untyped]  # scipy ships no types

from node.demonstration.header import header
from node.demonstration.shapes import Frame, Habitus, Image, band, below, curve, ellipse

Sign = Callable[[Frame, Image], Image]
"""What a finding adds to the attenuation, given the frame and the air that each pixel sees."""

FINDINGS = ("Cardiomegaly", "Effusion", "Nodule", "Pneumonia")
"""What can be drawn, by the names in `db.vocabulary`: a stylised sign of each."""

MAXIMUM = 4095
"""The largest of 12 bits."""

COARSE = 3
"""Shapes are drawn on pixels this many times larger, then interpolated; noise is in pixels of the image."""

_OUTLINE = (
    (-1, 0.25),
    (-0.88, 0.28),
    (-0.8, 0.5),
    (-0.74, 0.8),
    (-0.6, 0.96),
    (-0.35, 0.92),
    (0, 0.87),
    (1, 0.9),
)
_LATERAL = (
    (-1, 0.1),
    (-0.76, 0.16),
    (-0.7, 0.33),
    (-0.55, 0.5),
    (-0.3, 0.64),
    (0, 0.73),
    (0.35, 0.78),
    (1, 0.79),
)
_MEDIAL = ((-1, 0.2), (-0.68, 0.17), (-0.4, 0.12), (0, 0.11), (0.3, 0.12), (1, 0.13))
_LETTER_R = ("1110", "1001", "1001", "1110", "1010", "1001", "1001")


def draw(
    *, rows: int = 2048, columns: int = 2048, seed: int = 0, findings: Collection[str] = ()
) -> npt.NDArray[np.uint16]:
    """Draw a frontal (PA) chest.

    Args:
        rows: height in pixels, 64 or more.
        columns: width in pixels, 64 or more.
        seed: the same seed gives the same picture; another one moves and scales the anatomy a little.
        findings: names out of `FINDINGS` whose signs to draw.

    Returns:
        (rows, columns), 12 bits, MONOCHROME2.
    """
    unknown = set(findings) - set(FINDINGS)
    if unknown:
        raise ValueError(f"The phantom cannot show {', '.join(sorted(unknown))}; only {', '.join(FINDINGS)}.")
    rng = np.random.default_rng(seed)
    habitus = Habitus(heart=1.42 if "Cardiomegaly" in findings else 1.0)
    signs = [sign for finding, sign in _SIGNS.items() if finding in findings]
    return paint(rows=rows, columns=columns, habitus=habitus, signs=signs, anatomy=rng, exposure=rng)


def paint(
    *,
    rows: int,
    columns: int,
    habitus: Habitus,
    signs: Sequence[Sign],
    anatomy: np.random.Generator,
    exposure: np.random.Generator,
) -> npt.NDArray[np.uint16]:
    """Draw one chest: one patient's by the same `anatomy`, one exposure's by the same `exposure` (see `draw`)."""
    if min(rows, columns) < 64:
        raise ValueError(f"The phantom needs 64 x 64 pixels or more, not {rows} x {columns}.")
    frame = _frame(-(-rows // COARSE), -(-columns // COARSE), habitus, anatomy)
    full = zoom(_attenuation(frame, habitus, signs), COARSE, order=1, grid_mode=True, mode="nearest")
    return _detect(full[:rows, :columns], habitus, exposure)


def dataset(*, rows: int = 2048, columns: int = 2048, seed: int = 0, findings: Collection[str] = ()) -> FileDataset:
    """A Digital X-Ray Image For Presentation of the phantom, with new UIDs (DICOM PS3.3 A.26)."""
    pixels = draw(rows=rows, columns=columns, seed=seed, findings=findings)
    ds = header(rows=rows, columns=columns)
    ds.PixelData = pixels.astype("<u2").tobytes()
    return ds


def _frame(rows: int, columns: int, habitus: Habitus, rng: np.random.Generator) -> Frame:
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    width, height = rng.uniform(0.97, 1.04, 2) * (habitus.width, habitus.height)
    lean, rise = rng.uniform(-0.015, 0.015, 2)
    return Frame(x=((x - lean) / width).astype(np.float32), y=((y - rise) / height).astype(np.float32), rng=rng)


def _attenuation(frame: Frame, habitus: Habitus, signs: Sequence[Sign]) -> Image:
    dome = _diaphragm(frame, habitus)
    lungs = _lungs(frame, dome)
    heart = _heart(frame, scale=habitus.heart)
    air = lungs * (1 - 0.7 * heart)
    total = _body(frame) * (1 - 0.64 * air) + 0.12 * heart
    total += _mediastinum(frame) + _vessels(frame, lungs) * air
    total += _bones(frame)
    total -= 0.26 * ellipse(frame, 0.36, 0.66, 0.17, 0.09, softness=0.25)
    for sign in signs:
        total += sign(frame, air)
    blurred: Image = gaussian_filter(total, total.shape[0] / 900)
    return blurred


def _detect(attenuation: Image, habitus: Habitus, rng: np.random.Generator) -> npt.NDArray[np.uint16]:
    """Scatter, edge enhancement, noise, the greyscale curve and the collimator, in that order."""
    coarse = attenuation[::8, ::8]
    haze = zoom(gaussian_filter(coarse, coarse.shape[0] / 14), 8, order=1, grid_mode=True, mode="nearest")
    haze = haze[: attenuation.shape[0], : attenuation.shape[1]]
    image = attenuation + 0.45 * (attenuation - haze)
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    image += noise * habitus.noise * (0.007 + 0.012 * np.clip(attenuation, 0, 1.2))
    grey = MAXIMUM / (1 + np.exp(-habitus.contrast * (image - habitus.exposure)))
    rows, columns = grey.shape
    top, left = round(0.012 * rows), round(0.01 * columns)
    _stamp_marker(grey)
    grey[:top], grey[-top:], grey[:, :left], grey[:, -left:] = 0, 0, 0, 0
    pixels: npt.NDArray[np.uint16] = np.clip(np.rint(grey), 0, MAXIMUM).astype(np.uint16)
    return pixels


def _stamp_marker(grey: Image) -> None:
    """The lead letter R at the patient's right shoulder."""
    dot = max(1, grey.shape[0] // 220)
    letter = np.kron(np.array([list(row) for row in _LETTER_R], int), np.ones((dot, dot), int)).astype(bool)
    top, left = round(0.06 * grey.shape[0]), round(0.07 * grey.shape[1])
    grey[top : top + letter.shape[0], left : left + letter.shape[1]][letter] = 0.97 * MAXIMUM


def _body(frame: Frame) -> Image:
    """Neck, shoulders and trunk: thickest in the middle, denser below the diaphragm."""
    reach = frame.side / curve(_OUTLINE, frame.y)
    inside = 1 - below(reach, 1.0, 0.02)
    depth = np.sqrt(np.clip(1 - np.minimum(reach, 1) ** 3, 0, 1))
    arms = 0.3 * ellipse(frame, -1.04, 0.0, 0.13, 0.9) + 0.3 * ellipse(frame, 1.04, 0.0, 0.13, 0.9)
    trunk: Image = inside * (0.2 + 0.58 * depth) * (1 + 0.16 * below(frame.y, 0.5, 0.2)) + arms
    return trunk


def _diaphragm(frame: Frame, habitus: Habitus) -> Image:
    """The height y of the two domes at each x; the right one stands higher, over the liver."""
    right, left = 0.4 - habitus.raised_right, 0.46 - habitus.raised_left
    middle = np.where(frame.x < 0, right, left) + frame.rng.uniform(-0.03, 0.03)
    away = (frame.side - 0.36) / 0.42
    dome: Image = (middle + 0.2 * np.abs(away) ** 2.4).astype(np.float32)
    return dome


def _lungs(frame: Frame, dome: Image) -> Image:
    """How much air each pixel sees: 1 in the middle of a lung, thin towards its borders."""
    lateral, medial = curve(_LATERAL, frame.y), curve(_MEDIAL, frame.y)
    within = below(lateral - frame.side, 0.0, 0.025) * below(frame.side - medial, 0.0, 0.03)
    above = 1 - below(frame.y, dome, 0.012)
    place = np.clip((frame.side - medial) / np.maximum(lateral - medial, 0.02), 0, 1)
    depth = 0.7 + 0.6 * np.sqrt(place * (1 - place))
    lungs: Image = within * above * depth * below(frame.y, -0.71, 0.03)
    return lungs


def _heart(frame: Frame, *, scale: float) -> Image:
    """Ventricles to the patient's left, right atrium, and the knob of the aortic arch."""
    size = scale * frame.rng.uniform(0.95, 1.04)
    ventricles = ellipse(frame, 0.11, 0.26, 0.31 * size, 0.22 * size, tilt=0.55, softness=0.1)
    atrium = ellipse(frame, -0.05, 0.2, 0.15 * size, 0.22 * size, softness=0.12)
    trunk = ellipse(frame, 0.06, 0.0, 0.13, 0.22, softness=0.15)
    arch = ellipse(frame, 0.1, -0.24, 0.085, 0.085, softness=0.15)
    heart: Image = np.maximum.reduce([ventricles, atrium, 0.8 * trunk, 0.7 * arch])
    return heart


def _mediastinum(frame: Frame) -> Image:
    """Great vessels and spine, with the airway in front of them as a dark band that forks at the carina."""
    vessels = 0.14 * (1 - below(frame.side, 0.125, 0.025)) * (1 - below(frame.y, 0.1, 0.2))
    discs = 0.75 + 0.25 * np.tanh(3 * np.sin(frame.y * 42) + 1.5)
    spine = 0.13 * (1 - below(frame.side, 0.075, 0.012)) * discs
    trachea = (1 - below(np.abs(frame.x + 0.01), 0.036, 0.01)) * (1 - below(frame.y, -0.2, 0.02))
    fork = np.abs(frame.side - 0.02 - 0.75 * (frame.y + 0.21))
    bronchi = (1 - below(fork, 0.028, 0.012)) * below(frame.y, -0.21, 0.02) * (1 - below(frame.y, -0.02, 0.05))
    shadow: Image = vessels + spine - 0.16 * trachea - 0.09 * bronchi
    return shadow


def _vessels(frame: Frame, lungs: Image) -> Image:
    """Pulmonary vessels: random walks out of each hilum, thinner and fainter with every fork."""
    rows, columns = lungs.shape
    total = np.zeros_like(lungs)
    for generation, (count, sigma, weight) in enumerate(((14, 5.5, 1.0), (44, 3.2, 0.55), (130, 1.9, 0.3))):
        angle = frame.rng.uniform(-1.35, 1.35, count)
        heading = angle[:, None] + np.cumsum(frame.rng.normal(0, 0.055, (count, 400)), axis=1)
        reach = np.linspace(0, (0.26, 0.42, 0.55)[generation], 400) * frame.rng.uniform(0.6, 1, (count, 1))
        step = np.diff(reach, axis=1, prepend=0)
        side = np.where(np.arange(count) % 2, 1, -1)[:, None]
        x = side * (0.15 + np.cumsum(step * np.cos(heading), axis=1))
        y = 0.0 + np.cumsum(step * np.sin(heading) * 1.25, axis=1)
        column = np.clip(((x + 1) / 2 * (columns - 1)).astype(int), 0, columns - 1)
        row = np.clip(((y + 1) / 2 * (rows - 1)).astype(int), 0, rows - 1)
        points = np.zeros_like(lungs)
        np.add.at(points, (row, column), np.linspace(1, 0.25, 400, dtype=np.float32))
        width = sigma * rows / 1024
        total += weight * 0.14 * np.minimum(gaussian_filter(points, width) * 2.5 * width, 1)
    return total


def _bones(frame: Frame) -> Image:
    """Ribs, clavicles, shoulder blades and the heads of the upper arms."""
    bones = np.zeros_like(frame.x)
    for number in range(10):
        bones += _rib(frame, number)
    clavicle = -0.66 - 0.1 * (frame.side - 0.1) + 0.03 * np.sin((frame.side - 0.1) * 9)
    ends = below(frame.side, 0.1, 0.015) * (1 - below(frame.side, 0.72, 0.03))
    bones += 0.13 * band(frame.y - clavicle, 0.03) * ends
    blade = frame.side - 0.74 + 0.12 * (frame.y + 0.3) ** 2
    bones += 0.05 * below(blade, 0.0, 0.015) * below(frame.y, -0.62, 0.05) * (1 - below(frame.y, 0.02, 0.1))
    for x in (-0.87, 0.87):
        bones += 0.1 * ellipse(frame, x, -0.61, 0.085, 0.085, softness=0.1)
        bones += 0.1 * ellipse(frame, 1.1 * x, -0.1, 0.045, 0.5, tilt=-0.08 * np.sign(x), softness=0.1)
    return bones


def _rib(frame: Frame, number: int) -> Image:
    """One pair of ribs: from the spine outward and down, round the side, and forward until the cartilage."""
    top = -0.76 + 0.118 * number
    lateral = float(np.interp(number, (0, 2, 5, 9), (0.38, 0.62, 0.77, 0.81)))
    t = np.clip((frame.side - 0.08) / (lateral - 0.08), 0, 1)
    inside = 1 - below(frame.side, lateral, 0.008)
    fall = 0.2 + 0.016 * number
    posterior = top - 0.05 * np.sin(np.pi * t) + fall * t**3
    slope = (3 * fall * t**2 - 0.05 * np.pi * np.cos(np.pi * t)) / (lateral - 0.08)
    back = band((frame.y - posterior) / np.hypot(1, slope), 0.024) * below(frame.side, 0.07, 0.01)
    anterior = top + fall + (0.13 + 0.02 * number) * (1 - t) ** 0.8 * (1 + 0.3 * t)
    front = band(frame.y - anterior, 0.026) * below(t, 0.42, 0.06)
    rib: Image = inside * (0.12 * back + 0.075 * front * (number < 7))
    return rib


def _effusion(frame: Frame, air: Image) -> Image:
    """Fluid at the base of the patient's left lung, its surface rising towards the side (a meniscus)."""
    surface = 0.34 - 0.5 * np.clip(frame.x - 0.3, 0, 1) ** 1.5
    fluid: Image = 0.5 * air * below(frame.y, surface, 0.025) * below(frame.x, 0.05, 0.03)
    return fluid


def _nodule(frame: Frame, air: Image) -> Image:
    """A round shadow in the upper right lung."""
    nodule: Image = 0.17 * air * ellipse(frame, -0.42, -0.26, 0.045, 0.045, softness=0.12)
    return nodule


def _pneumonia(frame: Frame, air: Image) -> Image:
    """A patchy shadow with soft borders in the lower right lung."""
    patches = np.zeros(frame.x.shape, np.float32)
    for dx, dy in frame.rng.normal(0, 0.06, (5, 2)).tolist():
        patches += ellipse(frame, -0.42 + dx, 0.16 + dy, 0.15, 0.12, softness=0.4)
    shadow: Image = 0.3 * air * np.tanh(0.6 * patches)
    return shadow


_SIGNS: dict[str, Sign] = {
    "Effusion": _effusion,
    "Nodule": _nodule,
    "Pneumonia": _pneumonia,
}

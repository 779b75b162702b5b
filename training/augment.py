"""Altered copies of radiographs: what differs between departments and not between lungs."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from training.errors import TrainingError

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How far an image is altered. Zero (for `smallest` and `largest`: one) leaves a thing as it is.

    Attributes:
        mirror: how often left and right are exchanged, in [0, 1]. A mirrored chest is rare (situs inversus), but none
            of the findings has a side.
        smallest, largest: the scale, as a factor.
        rotation_deg: to either side, in degrees.
        shift: along either axis, as a part of the side.
        fill: brightest grey level of the ground that comes into view, in [0, 255].
        blur: how often an image is blurred, in [0, 1].
        blur_px: the largest standard deviation, in pixels of an image of 512 pixels.
        gamma: largest natural logarithm of the exponent of the grey levels.
        contrast: largest change, as a factor from one.
        brightness: largest change, as a part of the range from black to white.
        frame: how often bars of one grey level are laid over the borders, where collimation and markers betray the
            department, in [0, 1].
        frame_width: the broadest bar, as a part of the side.
    """

    mirror: float = 0.5
    smallest: float = 0.9
    largest: float = 1.18
    rotation_deg: float = 6.0
    shift: float = 0.05
    fill: float = 40.0
    blur: float = 0.3
    blur_px: float = 1.2
    gamma: float = 0.35
    contrast: float = 0.25
    brightness: float = 0.08
    frame: float = 0.5
    frame_width: float = 0.07

    def changed(self, changes: Sequence[str]) -> Self:
        """The same with some fields changed, each written NAME=VALUE.

        Raises:
            TrainingError: there is no such field, its value is no number, or it is negative.
        """
        names = {field.name for field in fields(self)}
        given = {}
        for change in changes:
            name, _, text = change.partition("=")
            try:
                given[name] = float(text)
            except ValueError as error:
                raise TrainingError(f"--augment {change}: write NAME=NUMBER, like rotation_deg=4") from error
            if name not in names:
                raise TrainingError(f"there is no augmentation {name!r}; there are {', '.join(sorted(names))}")
            if not 0 <= given[name] < np.inf:
                raise TrainingError(f"--augment {change}: the number must not be negative")
        result = replace(self, **given)
        if not 0 < result.smallest <= result.largest:
            raise TrainingError("the augmentation's smallest scale must be above 0 and no larger than its largest")
        return result


def augment(image: Grey, settings: Augmentation, generator: np.random.Generator) -> Grey:
    """Alter one image (H, W): its pose, then its sharpness, grey levels and frame."""
    altered = _moved(image, settings, generator)
    if generator.random() < settings.blur:
        sigma = generator.uniform(0.25, 1) * settings.blur_px * image.shape[1] / 512
        if sigma > 0:
            altered = np.asarray(cv2.GaussianBlur(altered, (0, 0), sigma), dtype=np.uint8)
    altered = _levels(settings, generator)[altered]
    return _framed(altered, settings, generator) if generator.random() < settings.frame else altered


def _moved(image: Grey, settings: Augmentation, generator: np.random.Generator) -> Grey:
    """Mirrored, scaled and turned about the middle, and shifted."""
    height, width = image.shape
    scale = generator.uniform(settings.smallest, settings.largest)
    angle = generator.uniform(-settings.rotation_deg, settings.rotation_deg)
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, scale)
    across, down = generator.uniform(-settings.shift, settings.shift, size=2)
    matrix[0, 2] += across * width
    matrix[1, 2] += down * height
    if generator.random() < settings.mirror:
        matrix[0] = -matrix[0]
        matrix[0, 2] += width - 1
    fill = int(generator.integers(0, int(settings.fill) + 1))
    moved = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=(fill,))
    return np.asarray(moved, dtype=np.uint8)


def _levels(settings: Augmentation, generator: np.random.Generator) -> Grey:
    """What becomes of each of the 256 grey levels: gamma, then contrast about the middle, then brightness."""
    level = np.linspace(0, 1, 256) ** np.exp(generator.uniform(-settings.gamma, settings.gamma))
    contrast = generator.uniform(1 - settings.contrast, 1 + settings.contrast)
    brightness = generator.uniform(-settings.brightness, settings.brightness)
    changed = (level - 0.5) * contrast + 0.5 + brightness
    return np.asarray(np.clip(changed * 255, 0, 255).round(), dtype=np.uint8)


def _framed(image: Grey, settings: Augmentation, generator: np.random.Generator) -> Grey:
    """Bars of black, white or the mean grey at all four borders."""
    framed = image.copy()
    level = np.uint8(generator.choice((0, 0, 255, int(image.mean()))))
    height, width = image.shape
    top, bottom = (int(part * height) for part in generator.uniform(0, settings.frame_width, size=2))
    left, right = (int(part * width) for part in generator.uniform(0, settings.frame_width, size=2))
    framed[:top], framed[height - bottom :] = level, level
    framed[:, :left], framed[:, width - right :] = level, level
    return framed

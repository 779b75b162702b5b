"""What can go wrong in learning; each message is one sentence for a person."""


class TrainingError(Exception):
    """Base of this package's errors."""


class SnapshotError(TrainingError):
    """A snapshot cannot be made or used."""


class CheckpointError(TrainingError):
    """What was kept of a training is not what was written, or is of another training."""


class OccupiedError(TrainingError):
    """Another training is at work in the folder; later it may not be."""


class DivergedError(TrainingError):
    """The loss of a training became something that is no number."""

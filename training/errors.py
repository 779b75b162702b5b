"""What can go wrong in learning; each message is one sentence for a person."""


class TrainingError(Exception):
    """Base of this package's errors."""


class SnapshotError(TrainingError):
    """A snapshot cannot be made or used."""

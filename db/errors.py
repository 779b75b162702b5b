"""What can go wrong with the product's memory."""


class DatabaseError(Exception):
    """Base of this package's errors."""


class DatabaseUrlError(DatabaseError):
    """The database URL cannot be used."""


class DatabaseUnavailableError(DatabaseError):
    """The database does not answer now; nothing was written, and the same may work later."""


class DatabaseDamagedError(DatabaseUnavailableError):
    """The database's file is not one any more; a backup has to take its place."""


class OutcomeUnknownError(DatabaseUnavailableError):
    """The database did not confirm a commit: what was to be written may be there, or not."""


class CopyError(DatabaseError):
    """The database cannot be copied, or made from a copy; the text says what to do."""


class RowsRefusedError(DatabaseError):
    """The database does not take these rows: a value or a rule in them is wrong."""


class SchemaOutOfDateError(DatabaseError):
    """The schema is not the one this version needs; `cxr migrate` brings it up."""


class SchemaTooNewError(SchemaOutOfDateError):
    """A newer version has brought the schema further than this one knows."""

    def __init__(self, revision: str, known: str) -> None:
        super().__init__(
            f"the database is at revision {revision}, which a newer version made; this one needs {known}: install that "
            f"one again, and step back with it by cxr migrate --back-to {known}"
        )


class UnknownModelError(DatabaseError):
    """No model of this version is registered."""

    def __init__(self, version: str) -> None:
        super().__init__(f"no model has the version {version!r}; `cxr models list` shows which there are")
        self.version = version


class ModelStateError(DatabaseError):
    """The model's state, or another's, does not allow this; the text says what to do."""


class TakenError(DatabaseError):
    """A model, or a training run, of this version is there already."""

    def __init__(self, version: str) -> None:
        super().__init__(f"there is a model or a training of the version {version} already; name another version")
        self.version = version


class UnknownPersonError(DatabaseError):
    """Nobody of this name may log in to the console."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no user {name!r}; `cxr users list` shows them")
        self.name = name


class LeaseLostError(DatabaseError):
    """The job was given to another worker while this one ran it; what this one did is dropped."""

    def __init__(self, job_id: int) -> None:
        super().__init__(f"job {job_id} was taken over by another worker")
        self.job_id = job_id

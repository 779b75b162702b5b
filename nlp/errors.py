"""What can go wrong in mining, apart from the text: the text is never an error."""


class NlpError(Exception):
    """Base of the package's errors."""


class DataError(NlpError):
    """A lexicon or rule file does not say what it must; `file` and `problem` say where and what."""

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"{file}: {problem}")
        self.file = file
        self.problem = problem


class ModelMissingError(NlpError):
    """The language model named by the setting is not installed."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the language model {name} is not installed: pip install 'cxr-node[reports]'")
        self.name = name


class ParserMissingError(NlpError):
    """spaCy is not installed."""

    def __init__(self) -> None:
        super().__init__("spaCy, which parses reports, is not installed: pip install 'cxr-node[reports]'")


class MinerUnusableError(NlpError):
    """A process that mines could not load its miner; the sentence says why."""


class WorkerLostError(NlpError):
    """A process that mines ended while it worked."""


class ReportFileError(NlpError):
    """A file of reports lacks what is needed of it; the sentence names it."""

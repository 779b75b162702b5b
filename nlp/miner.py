"""From a radiologist's report to labels: the story of section 2.1 of the paper, in its order.

    report -> sections -> sentences -> mentions -> skeleton -> dependency graph -> assertion -> labels, Normal

Everything up to the assertion depends on a sentence's words alone, so a sentence that comes again is not read again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from db.report_records import MinerIdentity, ReportSection
from nlp import (
    aggregate,
    assertion,
    datafiles,
    language,
    mentions,
    parser,
    rulebook,
    sections,
    sentences,
    skeleton,
    suffixes,
    thesaurus,
)
from nlp.aggregate import Evidence, MinedReport, Policy
from nlp.assertion import Verdict
from nlp.datafiles import SHIPPED, Sources
from nlp.language import Readability
from nlp.mentions import Mention
from nlp.parser import MODEL, Parser
from nlp.rulebook import Rulebook
from nlp.sections import Section, SectionReader
from nlp.sentences import Sentence
from nlp.skeleton import Skeleton
from nlp.thesaurus import Lexicon
from nlp.tokens import tokenize

_AT_ONCE = 128
_REMEMBERED = 50_000

Report = Sequence[Section]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a sentence says, wherever it stands: its mentions and the verdict on each."""

    mentions: tuple[Mention, ...]
    verdicts: Mapping[int, Verdict]
    says_normal: bool


class Miner:
    """Mines reports with one lexicon, one rulebook and one language model."""

    def __init__(self, lexicon: Lexicon, rules: Rulebook, parser: Parser) -> None:
        self._lexicon = lexicon
        self._rules = rules
        self._parser = parser
        self._sections = SectionReader(lexicon.headings)
        self._readings: dict[str, Reading] = {}

    def sections(self, text: str, runs: Sequence[ReportSection] = ()) -> Report:
        """Part a whole report's text at its headings, and at its runs of observations, where it has them."""
        return suffixes.read(text, runs, self._sections)

    def mine(self, report: Report, policy: Policy = Policy.CODED) -> MinedReport:
        """Mine one report."""
        return next(self.mine_all([report], policy))

    def mine_all(self, reports: Iterable[Report], policy: Policy = Policy.CODED) -> Iterator[MinedReport]:
        """Mine reports in their order, some hundred at a time, so that their sentences are parsed together."""
        source = iter(reports)
        while batch := list(islice(source, _AT_ONCE)):
            cut = [list(self._sentences(report)) for report in batch]
            self._read(sentence for report in cut for _, sentence in report)
            for report, report_sentences in zip(batch, cut, strict=True):
                yield self._sum_up(report, report_sentences, policy)

    def unread(self, readability: Readability, policy: Policy) -> MinedReport:
        """What there is to say of a report that cannot be read, for this reason."""
        return MinedReport(
            readability=readability,
            labels=aggregate.labels(()),
            normal=False,
            evidence=(),
            policy=policy,
            lexicon_version=self._lexicon.version,
            rules_version=self._rules.version,
        )

    def _sentences(self, report: Report) -> Iterator[tuple[Section, Sentence]]:
        for section in sections.to_mine(report):
            for sentence in sentences.split(section.text):
                yield section, sentence

    def _read(self, batch: Iterable[Sentence]) -> None:
        """Read every sentence that is new; a sentence without a mention needs no parse."""
        if len(self._readings) > _REMEMBERED:
            self._readings.clear()
        new = {sentence.text: sentence for sentence in batch if sentence.text not in self._readings}
        named = {text: self._mentions(sentence) for text, sentence in new.items()}
        shapes = {shape for _, shape in named.values() if any(bone.mentions for bone in shape)}
        verdicts = self._decide(sorted(shapes, key=len))
        for text, (found, shape) in named.items():
            self._readings[text] = Reading(
                mentions=found, verdicts=verdicts.get(shape, {}), says_normal=self._says_normal(shape)
            )

    def _mentions(self, sentence: Sentence) -> tuple[tuple[Mention, ...], Skeleton]:
        tokens = tokenize(sentence, self._lexicon.normal_form)
        found = mentions.find(tokens, self._lexicon)
        return found, skeleton.strip(tokens, found, self._lexicon)

    def _says_normal(self, shape: Skeleton) -> bool:
        return any(bone.normal in self._lexicon.normal for bone in shape)

    def _decide(self, shapes: Sequence[Skeleton]) -> Mapping[Skeleton, Mapping[int, Verdict]]:
        """Decide by the surface check; where it has nothing to say of a mention, parse and ask the graph too.

        Parsing the rest as well changed no label of the development reports and took a third more time.
        """
        decided = {shape: assertion.decide(shape, None, self._rules) for shape in shapes}
        silent = [shape for shape in shapes if not all(verdict.fired for verdict in decided[shape].values())]
        trees = self._parser.parse([[bone.word for bone in shape] for shape in silent])
        for shape, arcs in zip(silent, trees, strict=True):
            decided[shape] = assertion.decide(shape, arcs, self._rules)
        return decided

    def _sum_up(self, report: Report, cut: Sequence[tuple[Section, Sentence]], policy: Policy) -> MinedReport:
        readability = language.judge(" ".join(section.text for section in sections.to_mine(report)), self._lexicon)
        evidence: tuple[Evidence, ...] = ()
        says_normal = any(self._readings[sentence.text].says_normal for _, sentence in cut)
        if readability is Readability.MINED:
            evidence = tuple(item for section, sentence in cut for item in self._evidence(section, sentence, policy))
        return MinedReport(
            readability=readability,
            labels=aggregate.labels(evidence),
            normal=readability is Readability.MINED and aggregate.is_normal(evidence, says_normal, policy),
            evidence=evidence,
            policy=policy,
            lexicon_version=self._lexicon.version,
            rules_version=self._rules.version,
        )

    def _evidence(self, section: Section, sentence: Sentence, policy: Policy) -> Iterator[Evidence]:
        reading = self._readings[sentence.text]
        offset = section.start + sentence.start
        for place, mention in enumerate(reading.mentions):
            verdict = reading.verdicts[place]
            rule = verdict.rule
            yield Evidence(
                concept=mention.concept,
                assertion=rule.coded if policy is Policy.CODED else rule.state,
                sentence=sentence.text,
                start=offset + mention.start,
                end=offset + mention.end,
                section=section.name,
                rule_id=rule.id,
                fired=verdict.fired,
            )


def load(model: str = MODEL, sources: Sources = SHIPPED) -> Miner:
    """Make a miner of a lexicon and rules.

    Raises:
        DataError: A data file is broken.
        ModelMissingError: The model is not installed.
        ParserMissingError: spaCy is not.
    """
    lexicon = thesaurus.load(sources.lexicon)
    return Miner(lexicon, rulebook.load(lexicon.normal_form, sources.rules), Parser(model))


def identity(model: str, policy: Policy, sources: Sources = SHIPPED) -> MinerIdentity:
    """What a miner made now would put under its readings, found without loading it.

    Raises:
        ModelMissingError: The model is not installed.
        ParserMissingError: spaCy is not.
    """
    return MinerIdentity(
        lexicon_version=datafiles.version(sources.lexicon),
        rules_version=datafiles.version(sources.rules),
        language_model=parser.release(model),
        policy=policy,
    )

"""The rules in use: cues for the surface check, paths for the graph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path as FilePath

from db.vocabulary import Assertion
from nlp import datafiles, paths
from nlp.datafiles import GraphRuleEntry, RulesFile, SurfaceRuleEntry
from nlp.errors import DataError
from nlp.paths import Path
from nlp.phrases import Groups, PhraseTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a rule says: the state by the paper's reading, and by that of human coders."""

    id: str
    state: Assertion
    coded: Assertion
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceRule:
    """A cue's reach; see `datafiles.SurfaceRuleEntry`."""

    rule: Rule
    direction: str
    reach: int
    lists: bool
    stops: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphRule:
    """Paths, any of which is enough."""

    rule: Rule
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """All rules. `clause_verbs` end the reach of a cue: what follows the verb of a sentence is another statement."""

    cues: PhraseTree[SurfaceRule]
    graph: tuple[GraphRule, ...]
    rules: Mapping[str, Rule]
    stops: frozenset[str]
    clause_verbs: frozenset[str]
    openers: frozenset[str]
    version: str


def load(normal_form: Callable[[str], str], folder: FilePath = datafiles.RULES) -> Rulebook:
    """Read the rule files.

    Raises:
        DataError: A file is not what it must be; the sentence says which and why.
    """
    files = datafiles.read(folder, RulesFile)
    groups = {entry.name: entry.phrases for file in files for entry in file.group}
    surface = [entry for file in files for entry in file.surface]
    graph = [entry for file in files for entry in file.graph]
    between = {normal_form(word) for file in files for word in file.between}
    datafiles.unique("rules", [*(entry.id for entry in surface), *(entry.id for entry in graph)])
    cues: PhraseTree[SurfaceRule] = PhraseTree(normal_form, groups, between)
    surface_rules = [_surface_rule(entry, cues) for entry in surface]
    graph_rules = tuple(_graph_rule(entry, groups, normal_form) for entry in graph)
    return Rulebook(
        cues=cues,
        graph=graph_rules,
        rules={
            rule.id: rule for rule in chain((each.rule for each in surface_rules), (each.rule for each in graph_rules))
        },
        stops=frozenset(normal_form(word) for file in files for word in file.stops),
        clause_verbs=frozenset(normal_form(word) for file in files for word in file.clause_verbs),
        openers=frozenset(normal_form(word) for file in files for word in file.openers),
        version=datafiles.version(folder),
    )


def _surface_rule(entry: SurfaceRuleEntry, cues: PhraseTree[SurfaceRule]) -> SurfaceRule:
    rule = SurfaceRule(
        rule=_rule(entry),
        direction=entry.direction,
        reach=entry.reach,
        lists=entry.lists,
        stops=frozenset(entry.stops),
    )
    for cue in entry.cues:
        try:
            cues.add(cue, rule)
        except KeyError as error:
            raise DataError("rules", f"{entry.id}: there is no group {error}") from error
    return rule


def _graph_rule(entry: GraphRuleEntry, groups: Groups, normal_form: Callable[[str], str]) -> GraphRule:
    try:
        read = tuple(paths.read(path, groups, normal_form) for path in entry.paths)
    except (ValueError, KeyError) as error:
        raise DataError("rules", f"{entry.id}: {error}") from error
    return GraphRule(rule=_rule(entry), paths=read)


def _rule(entry: SurfaceRuleEntry | GraphRuleEntry) -> Rule:
    return Rule(id=entry.id, state=entry.state, coded=entry.coded or entry.state, examples=entry.examples)

"""What a model is called, and what its card says beside its numbers."""

from dataclasses import dataclass

from training.recipe import Recipe
from training.snapshot import Snapshot
from training.words import Words, of_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """What a person chose of it: without a version or words, the snapshot and the recipe say what it is."""

    name: str = "chest"
    version: str | None = None
    words: Words | None = None

    def version_of(self, snapshot: Snapshot, recipe: Recipe, way: str = "") -> str:
        """The version; `way` ends that of a model that was given none, where it learnt in more than one part."""
        return self.version or f"{snapshot.sha256[:8]}-{recipe.backbone}-{recipe.seed}{way}"

    def words_of(self, snapshot: Snapshot) -> Words:
        """The words."""
        return self.words or of_snapshot(snapshot)

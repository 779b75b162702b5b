"""The other side of `mining.py`, run in medspaCy's own environment: reports and target phrases in, figures out.

It knows nothing of the product. A line of JSON on the standard input says what to do, one on the output what was done.
"""

import json
import resource
import sys
import time


def main() -> None:
    """Read, mine with ConText, and say how it went."""
    import medspacy  # noqa: PLC0415  only there
    from loguru import logger  # noqa: PLC0415
    from medspacy.ner import TargetRule  # noqa: PLC0415

    logger.remove()  # it would write a line for every sentence
    given = json.loads(sys.stdin.readline())
    began = time.process_time()
    nlp = medspacy.load()
    matcher = nlp.get_pipe("medspacy_target_matcher")
    matcher.add([TargetRule(literal, finding) for finding, literal in given["phrases"]])
    loaded = time.process_time()
    targets = negated = 0
    for doc in nlp.pipe(given["reports"], batch_size=128):
        targets += len(doc.ents)
        negated += sum(entity._.is_negated for entity in doc.ents)
    found = {
        "load_s": loaded - began,
        "seconds": time.process_time() - loaded,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        "targets": targets,
        "negated": negated,
        "pipeline": list(nlp.pipe_names),
    }
    print(json.dumps(found))

"""What is not to be seen: judged by whether it is, counted in verdicts like every other concept, and told in words."""

from collections.abc import Sequence

from imagerag.records import ConceptScore, Verdict


def absence_of(score: ConceptScore) -> ConceptScore:
    """Return what the score of a thing, 0..1, says of its absence."""
    absent: ConceptScore = {
        **score,
        "concept": f"no {score['concept']}",
        "kind": "absence",
        "present": not score["present"],
        "score": round(1 - score["score"], 4),
    }
    return absent


def with_absences(verdict: Verdict, unwanted: Sequence[ConceptScore]) -> Verdict:
    """Return a verdict in which the absence of things counts as each of its concepts does.

    Args:
        verdict: on what the prompt asks for.
        unwanted: the scores of things that must not be there. One whose absence the verdict has already is left out.
    """
    there = {score["concept"] for score in verdict["concepts"]}
    absences = [absent for score in unwanted if (absent := absence_of(score))["concept"] not in there]
    if not absences:
        return verdict
    count, missing = len(verdict["concepts"]), [one["concept"] for one in absences if not one["present"]]
    total = verdict["score"] * count + sum(one["score"] for one in absences)
    counted: Verdict = {
        **verdict,
        "satisfied": verdict["satisfied"] and not missing,
        "score": round(total / (count + len(absences)), 4),
        "concepts": [*verdict["concepts"], *absences],
        "missing": [*verdict["missing"], *missing],
    }
    return counted


def presence_in_words(score: ConceptScore) -> str:
    """Return whether what was asked for is so: a thing that is there, or one that is not, as it must not be."""
    if score["kind"] == "absence":
        return "as asked" if score["present"] else "but it is there"
    return "there" if score["present"] else "missing"

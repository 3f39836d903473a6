"""What a prompt says is not there, judged by whether it is."""

from imagerag.records import ConceptScore


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

"""Features of proposed changes."""

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.likelihood import FEATURES, Request
from imagerag.agent.follow_up.mentions import mentions_of
from imagerag.agent.follow_up.proposals import proposals_of
from testing.follow_ups import NAMES


def test_a_proposal_has_the_same_features_whatever_names_are_in_it() -> None:
    def features(words: str) -> list[list[int]]:
        edit = Edit.of("a dog", NAMES, NAMES)
        mentions = mentions_of(edit, words.split())
        request = Request(edit, words.split(), mentions)
        return [request.features((change,)) for change in proposals_of(edit, mentions)]

    owl, cat = features("perch an owl on the dog"), features("perch a cat on the dog")
    assert owl != cat, "the article is a feature"
    assert features("perch a cat on the dog") == features("perch a frog on the dog")


def test_features_are_places_among_the_weights() -> None:
    edit = Edit.of("a dog", NAMES, NAMES)
    found = Request(edit, ["thanks"], []).features(())
    assert found
    assert all(0 <= place < FEATURES for place in found)

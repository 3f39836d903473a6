"""The network that weighs proposals by the whole of a request."""

import numpy as np
import pytest
import torch

from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.likelihood import Request
from imagerag.agent.follow_up.network import Case, Network, case_of, encoder, fitted_parts, fresh_network
from imagerag.agent.follow_up.proposals import Proposal
from imagerag.agent.follow_up.ranking import NO_CHANGE, fitted_network, fitted_weights, readings, single_changes
from testing.follow_ups import NAMES


def asked(prompt: str, words: str) -> tuple[Request, list[Proposal]]:
    request, singles = single_changes(Edit.of(prompt, NAMES, NAMES), words.split())
    return request, [*NO_CHANGE, *((change,) for change in singles), tuple(singles[:2])]


def case(prompt: str, words: str) -> Case:
    return case_of(*asked(prompt, words), encoder())


@pytest.fixture(scope="module")
def fresh() -> Network:
    torch.manual_seed(0)
    return fresh_network().eval()


def test_a_case_has_the_words_and_the_things_with_their_places() -> None:
    found = case("a dog and two cats", "put it on the tree")
    text = found.text
    assert len(text.tokens) == len(text.marks) == len(text.kinds)
    assert text.tokens[text.mentions[0][0]] == encoder()("it")[0]
    start, end = text.items[1]
    assert tuple(text.tokens[start:end]) == encoder()("2 cat")
    assert set(text.kinds[: text.items[0][0]]) == {0}
    assert set(text.kinds[text.items[0][0] :]) == {1}
    assert len(found.lengths) == len(NO_CHANGE) + len(found.changes) - 2 + 1  # "back" and "new" are changes as well
    assert found.unused[0].max() < len(found.lengths)
    assert found.made_of[1].max() < len(found.changes)


def test_before_it_is_fitted_it_adds_nothing(fresh: Network) -> None:
    one = case("a dog", "give him a hat")
    scores = np.arange(len(one.lengths), dtype=np.float64)
    (found,) = fresh([one], [scores])
    np.testing.assert_allclose(found.detach().numpy(), scores, atol=1e-5)


def test_cases_are_scored_alike_alone_and_together(fresh: Network) -> None:
    network = fresh_network().eval()
    network.load_state_dict(fresh.state_dict())
    for parameter in fitted_parts(network).values():
        torch.nn.init.normal_(parameter, std=0.05)
    cases = [case("a dog", "hat"), case("a dog and two cats", "put a small red hat on the dog , and no cats please")]
    none = [np.zeros(len(one.lengths)) for one in cases]
    together = network(cases, none)
    for one, score, both in zip(cases, none, together, strict=True):
        (alone,) = network([one], [score])
        assert alone.std() > 0.01
        torch.testing.assert_close(alone, both, rtol=1e-3, atol=1e-4)


def test_a_request_without_mentions_is_scored(fresh: Network) -> None:
    one = case("a dog", "lovely")
    (found,) = fresh([one], [np.zeros(len(one.lengths))])
    assert bool(torch.isfinite(found).all())


def test_only_upper_layers_and_what_is_added_are_fitted(fresh: Network) -> None:
    names = fitted_parts(fresh)
    assert not any(name.startswith(("tower.words", "tower.layers.0", "tower.layers.2")) for name in names)
    assert {"marks", "kinds", "tower.layers.5.linear2.weight"} <= set(names)


@pytest.mark.parametrize(
    ("prompt", "said", "wanted"),
    [
        ("a dog and a tree", "might an owl be perched on the tree", "an owl on a tree and a dog"),
        ("a dog", "the dog would look better in blue", "a blue dog"),
        ("a dog and a cat", "the cat can leave", "a dog"),
    ],
)
def test_the_fitted_one_reads_what_people_say(prompt: str, said: str, wanted: str) -> None:
    edit = Edit.of(prompt, NAMES, NAMES)
    assert readings(edit, said.split(), fitted_weights(), fitted_network())[0].prompt == wanted

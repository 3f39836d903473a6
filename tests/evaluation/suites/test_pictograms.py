"""The bundled suite: enough prompts of every form, two halves that share nothing, and the grammar reads them."""

import re
from collections import Counter
from dataclasses import replace

from imagerag.assets.library import bundled_library
from imagerag.evaluation.records import SuitePrompt
from imagerag.evaluation.suites.pictograms import pictograms
from training.build_pictogram_suite import HALVES, Source

FORMS = {
    "known": {"alone", "pair", "style", "colour", "count", "place", "absence"},
    "lacking": {"alone", "pair", "two", "style", "colour", "count", "place", "absence"},
    "nowhere": {"alone"},
}


def things(prompts: tuple[SuitePrompt, ...], of: frozenset[str] | None = None) -> set[str]:
    found = {concept.thing for prompt in prompts for concept in prompt.concepts if concept.kind == "thing"}
    return found if of is None else found & of


def test_each_half_has_600_prompts_of_every_stratum_and_form() -> None:
    for half in HALVES:
        prompts = pictograms(half).prompts
        assert len(prompts) >= 600
        found: dict[str, set[str]] = {}
        for prompt in prompts:
            found.setdefault(prompt.stratum, set()).add(prompt.form)
            assert prompt.split == half
        assert found == FORMS
        known = sum(prompt.stratum == "known" for prompt in prompts)
        assert known * 2 >= 800  # pairs of prompt and seed, with two seeds
        assert 1 - 0.025 ** (1 / known) < 0.01  # the bound of a loss that was never seen


def test_the_halves_share_no_thing_that_is_lacking_or_in_question() -> None:
    development, test = pictograms("development").prompts, pictograms("test").prompts
    library = bundled_library()
    lacking = frozenset(library.lacking())
    assert things(development, lacking) == set(library.lacking("dev"))
    assert things(test, lacking) == set(library.lacking("test"))
    assert not things(development) & things(test)


def test_names_are_unique_and_safe_and_texts_too() -> None:
    prompts = pictograms().prompts
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]*", prompt.name) for prompt in prompts)
    assert max(Counter(prompt.name for prompt in prompts).values()) == 1
    assert max(Counter(prompt.text for prompt in prompts).values()) == 1


def test_the_first_prompts_of_a_stratum_are_of_all_its_forms() -> None:
    lacking = [prompt for prompt in pictograms("development").prompts if prompt.stratum == "lacking"]
    assert {prompt.form for prompt in lacking[:20]} == FORMS["lacking"]


def test_what_is_nowhere_tells_what_may_stand_in_for_it() -> None:
    prompts = {prompt.text: prompt for prompt in pictograms("development").prompts}
    assert prompts["a kookaburra"].accepted == ("bird",)
    assert prompts["a capybara"].accepted == ()


def test_every_prompt_is_still_read_as_it_is_meant() -> None:
    """Which ones its script takes depends on the grammar; those taken once stay, so that figures can be compared."""
    library = bundled_library()
    for prompt in pictograms().prompts:
        if prompt.stratum != "nowhere":
            source = Source(library, [], iter(()), prompt.stratum)
            own = [concept.thing for concept in prompt.concepts if concept.kind == "thing"]
            others = [concept for concept in prompt.concepts if concept.kind != "thing"]
            made = source.prompt(prompt.form, prompt.text, own, others)
            assert made is not None, prompt.text
            assert replace(made, split=prompt.split) == prompt

"""Logistic regressions on questions of known truth."""

import numpy as np
import pytest

from imagerag.index.presence_fit import absent_scores, fit_presence, logistic, reliability, rising


def test_the_probabilities_are_those_that_the_answers_came_from() -> None:
    random = np.random.default_rng(0)
    raw = random.normal(size=(4000, 4))
    raw[:, 2:][random.uniform(size=4000) < 0.5] = np.nan
    true = 1 / (1 + np.exp(-2 * raw[:, 0]))
    there = (random.uniform(size=4000) < true).astype(float)
    presence = fit_presence(raw[:2000], there[:2000], 100.0, 0.8)
    assert np.abs(presence.probabilities(list(raw.T)) - true).mean() < 0.05
    assert reliability(presence, raw[2000:], there[2000:], [1, 1, 2]).error < 0.05


def test_likeness_is_weighed_only_where_enough_exemplars_show_something() -> None:
    raw = np.full((200, 4), np.nan)
    raw[:, :2] = np.random.default_rng(0).normal(size=(200, 2))
    presence = fit_presence(raw, np.arange(200) % 2, 100.0, 0.8)
    assert presence.pictures == ()
    assert len(presence.words) == 3


def test_a_feature_that_never_changes_does_no_harm() -> None:
    constants, p = logistic(np.c_[np.ones(50), np.linspace(-1, 1, 50)], (np.arange(50) > 25).astype(float))
    assert np.isfinite(constants).all()
    assert p[-1] > 0.9


def test_absent_scores_tell_their_distribution() -> None:
    scores = absent_scores(np.c_[np.linspace(0, 10, 1001), np.zeros((1001, 3))])
    assert len(scores) == 101
    assert scores[50] == pytest.approx(5)


def test_how_often_a_concept_is_there_never_falls_and_is_never_certain() -> None:
    random = np.random.default_rng(0)
    logits = np.linspace(-4, 4, 500)
    true = np.where(logits < 0, 0.1, 0.9)
    places, frequencies = rising(logits, (random.uniform(size=500) < true).astype(float))
    assert len(places) == len(frequencies) == 10
    assert (np.diff(places) > 0).all()
    assert (np.diff(frequencies) >= 0).all()
    assert np.abs(np.array(frequencies) - np.repeat([0.1, 0.9], 5)).max() < 0.12
    assert all(0 < value < 1 for value in rising(logits, np.zeros(500))[1])

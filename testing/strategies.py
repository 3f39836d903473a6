"""Hypothesis strategies for the arguments of tool calls."""

from hypothesis import strategies as st

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["image-1", "ref-1", "owl"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(
    st.sampled_from(["prompt", "seed", "image_id", "concepts", "captions", "k", "reference_ids", "reference_scale"])
    | st.text(max_size=5),
    JSON_VALUES,
    max_size=5,
)

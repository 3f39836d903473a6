"""Models of providers are named only where they are known, and only while they are there."""

import re
from pathlib import Path

import pytest

from imagerag.chat_models.images import limit_by_name
from imagerag.chat_models.pricing import FILE, load_pricing
from imagerag.chat_models.providers import KEYS
from imagerag.generators.registry import IMAGES_APIS
from imagerag.profiles.loading import load_profiles
from imagerag.remote_models import providers, remote_model, remote_models
from tests.docs.pages import NAMES, ROOT, text_of

PREFIXES = sorted({*IMAGES_APIS, *KEYS})
_NAMED = re.compile(rf"(?<![\w-])(?:{'|'.join(PREFIXES)}):[A-Za-z0-9][\w./-]*(?::\w+)?(?P<own>@http)?")
"""A model by its provider; ``own`` where it is at an address of one's own."""
PLACEHOLDERS = re.compile(r":(?:MODEL|OWNER/MODEL|NAME|[a-z])(?::VERSION)?$")
ELSEWHERE = [
    *sorted((ROOT / "examples").rglob("*.py")), *sorted((ROOT / "examples").rglob("*.md")),
    *sorted((ROOT / "cli").rglob("*.py")), *sorted((ROOT / "doctor").glob("*.py")),
    *sorted((ROOT / "imagerag").glob("*.py")), *sorted((ROOT / "chat_models").glob("*.py")),
    *sorted((ROOT / "generators").rglob("*.py")), *sorted((ROOT / "profiles").iterdir()),
]  # fmt: skip
FILES = [*NAMES, *(str(path.relative_to(ROOT).as_posix()) for path in ELSEWHERE if path.is_file())]


def named_in(text: str) -> set[str]:
    """Return the models that a text names, those at addresses of one's own left out."""
    found = [match for match in _NAMED.finditer(text) if not match["own"]]
    names = {match[0].rstrip(".:/-") for match in found}
    return {name for name in names if not PLACEHOLDERS.search(name)}


def test_names_are_found() -> None:
    text = "`openai:gpt-image-1`, (bfl:flux-2-pro). fal:fal-ai/flux/schnell openai:m@http://127.0.0.1/v1 openai:MODEL"
    assert named_in(text) == {"openai:gpt-image-1", "bfl:flux-2-pro", "fal:fal-ai/flux/schnell"}
    assert len(set().union(*(named_in((ROOT / file).read_text(encoding="utf-8")) for file in FILES))) > 20


@pytest.mark.parametrize("file", [file for file in FILES if Path(file).suffix in (".py", ".md", ".toml")])
def test_each_model_that_is_named_is_known_and_goes_on(file: str) -> None:
    for name in named_in((ROOT / file).read_text(encoding="utf-8")):
        model = remote_model(name)
        assert model is not None, f"{file} names {name}, which imagerag/remote_models.toml doesn't have"
        ends = model.ends is not None and file != "docs/images-apis.md"
        assert not ends, f"{file} names {name}, which ends on {model.ends}; name {model.successor}"


def test_the_table_of_models_is_that_of_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    from docs.remote_models_table import main

    main()
    assert capsys.readouterr().out.strip() in text_of("docs/images-apis.md")


def test_the_profiles_name_models_that_are_known() -> None:
    for profile in load_profiles({}).values():
        for choice in profile.choices:
            for name in (choice.generator, choice.vlm):
                if name is not None and name.partition(":")[0] in PREFIXES:
                    model = remote_model(name)
                    assert model is not None, name
                    assert (model.references is not None) is (name == choice.generator), name


@pytest.mark.parametrize("name", remote_models())
def test_what_is_known_of_a_model_is_whole(name: str) -> None:
    model, prefix = remote_models()[name], name.partition(":")[0]
    load_pricing.cache_clear()
    pricing = load_pricing(name)
    assert model.source.startswith("https://")
    if model.successor:
        successor = remote_models()[model.successor]
        assert (successor.references is None) is (model.references is None)
    assert model.successor or model.ends is None, "say what to use instead"
    if model.references is None:  # a chat model
        assert prefix in KEYS
        in_table = f'"{name.lower()}"' in FILE.read_text(encoding="utf-8")
        assert (model.input is None, model.output is None) == (in_table, in_table), "its price stands in one place"
        assert (model.image, model.tokens) == (None, 0)
        assert pricing.cost(1, 1) is not None
        assert limit_by_name(name) != limit_by_name("nobody:knows"), "chat_models/images.toml has how it takes images"
        return
    assert prefix in providers()
    assert f'"{name}"' not in FILE.read_text(encoding="utf-8"), "its price stands in one place"
    by_tokens = bool(providers()[prefix].tokens)
    assert (model.tokens > 0) is (by_tokens and model.output is not None)
    assert (model.input is None) is (model.output is None)
    assert not (by_tokens and model.image is not None)
    if model.image is not None:
        assert pricing.cost_of_image(2) == pytest.approx(model.image + 2 * model.reference)
    elif model.output is not None:
        assert pricing.cost(0, model.tokens) == pytest.approx(model.output * model.tokens / 1e6)
    if model.references and prefix in ("fal", "replicate", "together"):
        assert model.takes, "each model there has a field of its own for references"


def test_images_apis_are_those_whose_providers_are_known() -> None:
    assert set(providers()) == set(IMAGES_APIS)
    for prefix, provider in providers().items():
        assert provider.url.startswith("https://")
        assert KEYS.get(prefix, provider.keys[0]) == provider.keys[0]

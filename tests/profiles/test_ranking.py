"""Which generator and VLM of the ranking a machine draws with."""

from pathlib import Path

import pytest

from imagerag.device_settings import DeviceSettings
from imagerag.generators.diffusion import preset_files
from imagerag.generators.diffusion.presets import load_presets
from imagerag.generators.diffusion.weight_sizes import QUANTISED
from imagerag.model_files import snapshot
from imagerag.profiles import ranking as ranking_module
from imagerag.profiles.choosing import choose
from imagerag.profiles.loading import find_profile, load_profiles
from imagerag.profiles.machine import Kind, Machine
from imagerag.profiles.ranking import MOST_OPERATIONS, RULES, Ranking, Taken
from testing.machines import machine, run_on

LOCAL = find_profile("local")
OPEN = ("Apache-2.0", "MIT", "CreativeML Open RAIL-M", "CreativeML Open RAIL++-M")
AUTO = DeviceSettings()


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))


def taken(on: Machine, generator: str | None = None, vlm: str | None = None) -> Taken:
    found = Ranking(LOCAL, generator, vlm, AUTO, on).taken()
    assert found is not None
    return found


def pair(found: Taken) -> tuple[str, str, str | None]:
    vlm = str(found.choice.vlm).removeprefix("transformers:Qwen/Qwen3-VL-").removesuffix("-Instruct")
    return str(found.choice.generator), vlm, found.memory


@pytest.mark.parametrize(
    ("kind", "has_4bit", "gigabytes", "expected"),
    [
        # NVIDIA or AMD, with bitsandbytes
        ("cuda", True, 4, ("sd15", "rules", "offload")),
        ("cuda", True, 6, ("sd15", "2B", "4bit")),
        ("cuda", True, 8, ("flux2-klein", "2B", "4bit")),
        ("cuda", True, 12, ("flux2-klein", "8B", "4bit")),
        ("cuda", True, 16, ("flux2-klein", "8B", "4bit")),
        ("cuda", True, 24, ("flux2-klein", "4B", "offload")),
        ("cuda", True, 32, ("flux2-klein", "8B", "offload")),
        ("cuda", True, 48, ("flux2-klein", "8B", "full")),
        ("cuda", True, 80, ("qwen-edit", "8B", "full")),
        # without it
        ("cuda", False, 4, ("sd15", "rules", "offload")),
        ("cuda", False, 6, ("sd15", "rules", "full")),
        ("cuda", False, 8, ("sd15", "rules", "full")),
        ("cuda", False, 12, ("sd15", "2B", "full")),
        ("cuda", False, 13, ("sdxl", "2B", "offload")),
        ("cuda", False, 16, ("flux2-klein", "2B", "offload")),
        ("cuda", False, 24, ("flux2-klein", "4B", "offload")),
        ("cuda", False, 48, ("flux2-klein", "8B", "full")),
        ("cuda", False, 64, ("qwen-edit", "8B", "offload")),
        ("cuda", False, 80, ("qwen-edit", "8B", "full")),
        # Apple's, of whose memory Metal leaves models about two thirds: Macs with 8, 16, 32, 64 and 128 GB
        ("mps", False, 5.4, ("sd15", "rules", "full")),
        ("mps", False, 10.7, ("sd15", "rules", "full")),
        ("mps", False, 21.3, ("sdxl", "4B", "full")),
        ("mps", False, 48, ("flux2-klein", "8B", "full")),
        ("mps", False, 96, ("flux2-klein", "8B", "full")),
        # a CPU, whose VLM would take minutes an answer
        ("cpu", False, 12, ("sd15", "rules", None)),
        ("cpu", False, 32, ("sd15", "rules", None)),
        ("cpu", False, 64, ("flux2-klein", "rules", None)),
    ],
)
def test_what_is_taken_of_each_machine(
    kind: Kind, has_4bit: bool, gigabytes: float, expected: tuple[str, str, str | None]
) -> None:
    found = taken(machine(kind, gigabytes, has_4bit))
    assert pair(found) == expected
    assert f"needed of {gigabytes:.0f} GB free on {kind}" in found.why


@pytest.mark.parametrize("gigabytes", [4, 6, 8, 12, 16, 24, 48, 80])
@pytest.mark.parametrize("has_4bit", [True, False])
def test_what_is_taken_fits_and_what_goes_before_it_does_not(gigabytes: int, has_4bit: bool) -> None:
    ranking = Ranking(LOCAL, None, None, AUTO, machine("cuda", gigabytes, has_4bit))
    found = ranking.taken()
    assert found is not None
    rows = {row.generator: row for row in LOCAL.ranking}
    vlm = next((row for row in LOCAL.vlms if row.vlm == found.choice.vlm and found.memory in row.memory), RULES)
    assert found.memory is not None
    assert ranking.needed(rows[str(found.choice.generator)], vlm, found.memory) <= gigabytes * 1e9
    for row in LOCAL.ranking[: LOCAL.ranking.index(rows[str(found.choice.generator)])]:
        beside = LOCAL.vlms if vlm is not RULES else (RULES,)
        assert all(ranking.fit(row, one).mode is None for one in beside if not row.vlms or one.vlm in row.vlms), row


def told_in_docs() -> list[tuple[Kind, bool, float, str]]:
    text = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
    found: list[tuple[Kind, bool, float, str]] = []
    for line in text.splitlines():
        size, gb, cells = line.removeprefix("| ").partition(" GB | ")
        if line.startswith("| ") and gb and size.isdigit():
            kinds: list[tuple[Kind, bool]] = [("cuda", True), ("cuda", False), ("mps", False)]
            pairs = zip(kinds, cells.strip(" |").split(" | "), strict=True)
            found += [(*kind, float(size), cell) for kind, cell in pairs]
    assert len(found) == 24
    return found


@pytest.mark.parametrize(("kind", "has_4bit", "gigabytes", "told"), told_in_docs())
def test_the_table_of_the_documentation(
    monkeypatch: pytest.MonkeyPatch, kind: Kind, has_4bit: bool, gigabytes: float, told: str
) -> None:
    run_on(monkeypatch, machine(kind, gigabytes, has_4bit))
    found = choose(LOCAL, None, None, AUTO)
    assert found.choice is not None
    generator, vlm, memory = pair(Taken(found.choice, found.memory, "", ()))
    named = told.removesuffix(", in 4 bits").replace("Qwen3-VL ", "")
    assert (named, told.endswith(", in 4 bits")) == (f"`{generator}`, {vlm}", memory == "4bit")


def test_every_preset_has_a_place_with_a_reason_and_a_source() -> None:
    assert [row.generator for row in LOCAL.ranking if not row.why or not row.source] == []
    assert sorted(row.generator for row in LOCAL.ranking) == sorted(load_presets({}))
    assert all(row.why and row.source for row in LOCAL.vlms)


def test_open_licences_go_before_the_others_which_are_taken_only_where_they_are() -> None:
    presets = load_presets({})
    assert [row.if_here for row in LOCAL.ranking] == sorted(row.if_here for row in LOCAL.ranking)
    for row in LOCAL.ranking:
        assert row.if_here == (presets[row.generator].licence not in OPEN), row.generator


def test_those_that_take_references_go_before_those_that_do_not() -> None:
    presets = load_presets({})
    for closed in (False, True):
        takes = [presets[row.generator].family != "text" for row in LOCAL.ranking if row.if_here == closed]
        assert takes == sorted(takes, reverse=True)


def lies_here(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(ranking_module, "is_here", lambda preset: preset.name in names)


def test_weights_that_are_here_go_before_those_that_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    lies_here(monkeypatch, "sdxl", "z-image-turbo", "flux2-klein-9b")
    found = taken(machine("cuda", 48))
    assert pair(found)[0] == "sdxl"
    assert "its weights are here" in found.why
    assert found.better == ("flux2-klein fits too, but its weights (16.0 GB) are not here",)


def test_what_needs_an_accepted_licence_is_taken_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "its licence has to be accepted" in Ranking(LOCAL, None, None, AUTO, machine("cuda", 48)).refused(
        next(row for row in LOCAL.ranking if row.generator == "flux2-klein-9b")
    )
    lies_here(monkeypatch, "flux2-klein-9b")
    assert pair(taken(machine("cuda", 80))) == ("flux2-klein-9b", "8B", "full")


def test_a_vlm_that_is_here_goes_before_a_larger_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        ranking_module, "snapshot", lambda name, revision: Path() if "4B" in name else snapshot(name, revision)
    )
    monkeypatch.setattr(ranking_module.ModelFiles, "lacking", lambda self, folder: [])
    found = taken(machine("cuda", 48))
    assert pair(found) == ("flux2-klein", "4B", "full")
    assert "Qwen3-VL-8B-Instruct fits too, but its weights (17.5 GB) are not here" in found.better


def test_the_next_better_one_is_told_with_what_it_needs() -> None:
    found = taken(machine("cuda", 24))
    assert found.better == (
        "qwen-edit with Qwen3-VL-8B-Instruct beside it needs 61.1 GB, 24 GB free on cuda",
        "flux2-klein with Qwen3-VL-8B-Instruct beside it needs 28.3 GB, 24 GB free on cuda; "
        "for 4 bits bitsandbytes lacks",
    )


def test_weights_that_wait_in_the_hosts_memory_have_to_fit_there() -> None:
    assert pair(taken(machine("cuda", 16, host=32))) == ("flux2-klein", "2B", "offload")
    assert pair(taken(machine("cuda", 16, host=8))) == ("omnigen", "2B", "full")


def test_the_vlm_fits_beside_the_generator_that_is_named() -> None:
    assert pair(taken(machine("cuda", 61), "qwen-edit")) == ("qwen-edit", "4B", "offload")
    assert pair(taken(machine("cuda", 24), "sdxl")) == ("sdxl", "4B", "full")
    found = taken(machine("cuda", 24), "diffusers:somebody/model")
    assert "how large 'diffusers:somebody/model' is isn't known, so it is not counted" in found.why


def test_the_generator_fits_beside_the_vlm_that_is_named() -> None:
    name = "transformers:Qwen/Qwen3-VL-8B-Instruct"
    assert pair(taken(machine("cuda", 23), vlm=name)) == ("sd15", "8B", "offload")
    assert taken(machine("cpu", 64), vlm=name).choice.vlm == name
    found = taken(machine("cuda", 22), vlm="transformers:my/vlm")
    assert "how large 'transformers:my/vlm' is isn't known" in found.why
    assert taken(machine("cuda", 22), vlm="openai:m@http://h/v1").choice.vlm == "openai:m@http://h/v1"


def test_a_generator_that_is_named_is_not_too_slow() -> None:
    assert MOST_OPERATIONS["cpu"] < MOST_OPERATIONS["mps"]
    assert pair(taken(machine("cpu", 64), "sdxl"))[0] == "sdxl"


def test_where_nothing_fits_the_nearest_is_told() -> None:
    ranking = Ranking(LOCAL, None, None, AUTO, machine("cuda", 2))
    assert ranking.taken() is None
    assert ranking.nearest().endswith(", 2 GB free on cuda")


def test_memory_that_is_named_is_kept() -> None:
    def held(memory: str, gigabytes: float) -> tuple[str, str, str | None]:
        asked = DeviceSettings(memory=memory)  # type: ignore[arg-type]
        found = Ranking(LOCAL, None, None, asked, machine("cuda", gigabytes, True)).taken()
        assert found is not None
        return pair(found)

    assert held("full", 24) == ("flux2-klein", "2B", "full")
    assert held("4bit", 24)[2] == "4bit"
    assert held("sequential", 4) == ("qwen-edit", "8B", "sequential")


def test_a_profile_of_ones_own_keeps_the_vlms_beside_its_generator(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[mine]\nlike = "local"\ngenerator = "sdxl"\n[yours]\nlike = "local"\nvlm = "openai:x"\n')
    profiles = load_profiles({"IMAGERAG_PROFILES": str(file)})
    found = Ranking(profiles["mine"], None, None, AUTO, machine("cuda", 80)).taken()
    assert found is not None
    assert pair(found) == ("sdxl", "8B", "full")
    found = Ranking(profiles["yours"], None, None, AUTO, machine("cuda", 24)).taken()
    assert found is not None
    assert (found.choice.generator, found.choice.vlm) == ("flux2-klein", "openai:x")


def test_what_a_preset_is_made_of_is_looked_for(tmp_path: Path) -> None:
    parts = [part.where for part in preset_files.parts_of(load_presets({})["sdxl"])]
    assert parts == ["stabilityai/stable-diffusion-xl-base-1.0", "h94/IP-Adapter", "h94/IP-Adapter"]


def test_a_vlm_may_be_held_in_another_way_than_the_generator() -> None:
    apart = DeviceSettings(memory="full", vlm_memory="4bit")
    vlm = "transformers:Qwen/Qwen3-VL-8B-Instruct"
    whole = Ranking(LOCAL, "flux2-klein", vlm, DeviceSettings(memory="full"), machine("cuda", 28, True))
    ranking = Ranking(LOCAL, "flux2-klein", vlm, apart, machine("cuda", 28, True))
    (row,) = ranking.rows()
    assert whole.fit(row, whole.vlms()[0]).mode is None
    fit = ranking.fit(row, ranking.vlms()[0])
    saved = whole.fit(row, whole.vlms()[0]).needed - fit.needed
    assert fit.mode == "full"
    assert saved == pytest.approx((8.77 - 1.24) * 2e9 * (1 - QUANTISED))
    assert (apart.of_vlm.memory, DeviceSettings(memory="4bit").of_vlm.memory) == ("4bit", "4bit")
    assert DeviceSettings(memory="full", vlm_memory="auto").of_vlm.memory == "full"

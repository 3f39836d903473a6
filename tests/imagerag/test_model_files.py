"""Which files are loaded, on the listings of real repositories, and the patterns that match just those."""

import json
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagerag.model_files import ModelFiles, NamedFiles, PipelineFiles, patterns_of

SDXL = {
    "README.md", "model_index.json", "sd_xl_base_1.0.safetensors", "scheduler/scheduler_config.json",
    "text_encoder/config.json", "text_encoder/flax_model.msgpack", "text_encoder/model.fp16.safetensors",
    "text_encoder/model.onnx", "text_encoder/model.safetensors", "text_encoder/openvino_model.bin",
    "tokenizer/merges.txt", "tokenizer/tokenizer_config.json", "unet/config.json",
    "unet/diffusion_flax_model.msgpack", "unet/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.safetensors", "vae/config.json", "vae/diffusion_pytorch_model.fp16.safetensors",
    "vae/diffusion_pytorch_model.safetensors", "vae_1_0/diffusion_pytorch_model.fp16.safetensors",
    "vae_1_0/diffusion_pytorch_model.safetensors", "vae_decoder/config.json", "vae_decoder/model.onnx",
}  # fmt: skip
"""Of stabilityai/stable-diffusion-xl-base-1.0, shortened."""
INDEX = {
    "_class_name": "StableDiffusionXLPipeline",
    "scheduler": ["diffusers", "EulerDiscreteScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}
COMPONENTS = ("text_encoder", "unet", "vae")


def test_a_pipeline_in_its_variant() -> None:
    chosen = PipelineFiles("fp16").of(SDXL, INDEX)
    assert chosen == {
        "model_index.json", "scheduler/scheduler_config.json", "text_encoder/config.json",
        "text_encoder/model.fp16.safetensors", "tokenizer/merges.txt", "tokenizer/tokenizer_config.json",
        "unet/config.json", "unet/diffusion_pytorch_model.fp16.safetensors", "vae/config.json",
        "vae/diffusion_pytorch_model.fp16.safetensors", "vae_1_0/diffusion_pytorch_model.fp16.safetensors",
    }  # fmt: skip
    assert PipelineFiles("fp16", components=COMPONENTS).of(SDXL, {}) == chosen, "without model_index.json, too"


def test_a_component_that_comes_from_elsewhere_is_not_loaded() -> None:
    files = SDXL | {"image_encoder/config.json", "image_encoder/model.safetensors"}
    index = {**INDEX, "image_encoder": ["transformers", "CLIPVisionModelWithProjection"]}
    assert "image_encoder/model.safetensors" in PipelineFiles().of(files, index)
    assert not any("image_encoder" in file for file in PipelineFiles(passed=("image_encoder",)).of(files, index))


def test_shards_and_their_table_but_not_those_of_pickles() -> None:
    files = {
        "model_index.json", "transformer/config.json", "transformer/diffusion_pytorch_model.safetensors.index.json",
        "transformer/diffusion_pytorch_model-00001-of-00002.safetensors", "flux1-dev.safetensors",
        "transformer/diffusion_pytorch_model-00002-of-00002.safetensors", "transformer/pytorch_model.bin.index.json",
        "transformer/pytorch_model-00001-of-00001.bin",
    }  # fmt: skip
    unread = {"flux1-dev.safetensors", "transformer/pytorch_model.bin.index.json"}
    unread |= {"transformer/pytorch_model-00001-of-00001.bin"}
    assert PipelineFiles(components=("transformer",)).of(files, {}) == files - unread


def test_pickles_only_where_they_are_allowed() -> None:
    files = {"model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.bin"}
    index = {"unet": ["diffusers", "UNet2DConditionModel"]}
    assert "unet/diffusion_pytorch_model.bin" not in PipelineFiles().of(files, index)
    assert "unet/diffusion_pytorch_model.bin" in PipelineFiles(allow_pickle=True).of(files, index)


@pytest.mark.parametrize("variant", [None, "fp16"])
def test_as_diffusers_chooses_weights(variant: str | None) -> None:
    from diffusers.pipelines.pipeline_loading_utils import variant_compatible_siblings

    theirs, _ = variant_compatible_siblings(SDXL, variant=variant, ignore_patterns=["*.bin", "*.msgpack", "*.onnx"])
    weights = {file for file in PipelineFiles(variant).of(SDXL, INDEX) if file.endswith(".safetensors")}
    assert weights == theirs


def test_a_model_of_transformers() -> None:
    texts = {"config.json", "tokenizer.json", "merges.txt", "chat_template.jinja"}
    unread = {"README.md", "model.bin", "original/consolidated.safetensors", "pytorch_model.bin.index.json"}
    shards = {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"}
    assert ModelFiles(texts=True).of(texts | shards | unread, {}) == texts | shards
    assert ModelFiles(texts=True).of(texts | {"model.safetensors"} | unread, {}) == texts | {"model.safetensors"}
    inside = {"models/image_encoder/config.json", "models/image_encoder/model.safetensors"}
    assert ModelFiles("models/image_encoder").of(inside | texts | unread, {}) == inside


def test_the_first_of_several_names_is_loaded() -> None:
    files = NamedFiles((("safe.safetensors", "old.bin"),), texts=True)
    assert files.of({"safe.safetensors", "old.bin", "tokenizer.json"}, {}) == {"safe.safetensors", "tokenizer.json"}
    assert files.of({"old.bin", "README.md"}, {}) == {"old.bin"}
    assert files.of(set(), {}) == {"safe.safetensors"}


def test_what_a_folder_lacks(tmp_path: Path) -> None:
    def put(name: str, content: object = "") -> None:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")

    files = PipelineFiles()
    assert files.lacking(tmp_path) == ["model_index.json"]
    put(
        "model_index.json",
        {"unet": ["diffusers", "X"], "scheduler": ["diffusers", "Y"], "safety_checker": [None, None]},
    )
    assert files.lacking(tmp_path) == ["unet/*", "scheduler/*"]
    put("scheduler/scheduler_config.json")
    put("unet/config.json")
    assert files.lacking(tmp_path) == ["unet/*.safetensors"]
    name = "diffusion_pytorch_model"
    put(f"unet/{name}.safetensors.index.json", {"weight_map": {"a": f"{name}-00001-of-00001.safetensors"}})
    assert files.lacking(tmp_path) == [f"unet/{name}-00001-of-00001.safetensors"]
    put(f"unet/{name}-00001-of-00001.safetensors")
    assert files.lacking(tmp_path) == []
    model = ModelFiles("unet")
    assert model.lacking(tmp_path) == ["unet/model*.safetensors"]
    put("unet/model.safetensors")
    assert model.lacking(tmp_path) == []


NAME = st.from_regex(r"([a-c]{1,2}/){0,2}[a-d]{1,4}(\.fp16)?\.(json|bin|safetensors)", fullmatch=True)


@pytest.mark.slow
@given(st.sets(NAME, max_size=20), st.data())
def test_patterns_match_just_what_is_wanted(files: set[str], data: st.DataObject) -> None:
    wanted = {file for file in sorted(files) if data.draw(st.booleans())}
    patterns = patterns_of(wanted, files)
    assert {file for file in files if any(fnmatchcase(file, pattern) for pattern in patterns)} == wanted


def test_patterns_are_few() -> None:
    both = {"scheduler/a.json", "scheduler/b.json"}
    assert patterns_of(both, SDXL - {"scheduler/scheduler_config.json"} | both) == ["scheduler/*"]
    assert patterns_of({"vae/config.json"}, SDXL) == ["vae/config.json"]

"""What a file is of, by the names and shapes of its weights, and by its name where those are several models'."""

import pytest

from imagerag.generators.diffusion.file_families import CLASSES, TWINS, FileFamily, Tensor, recognised

FLUX2 = "single_stream_modulation.lin.weight"
QWEN = ("txt_norm.weight", "transformer_blocks.0.img_mod.1.weight")


def told(name: str, *names: str, **shapes: tuple[int, ...]) -> FileFamily:
    tensors = {each: Tensor((1, 1), "F32") for each in names}
    tensors |= {each.replace("__", "."): Tensor(shape, "F32") for each, shape in shapes.items()}
    return recognised(tensors, {"its name": name})


def flux2(name: str, blocks: int, width: int) -> FileFamily:
    last = f"double_blocks.{blocks - 1}.img_attn.qkv.weight"
    return told(name, FLUX2, last, img_in__weight=(width, 128))


def flux1(name: str, channels: int = 64) -> FileFamily:
    key = "double_blocks.0.img_attn.norm.key_norm.scale"
    return told(name, key, "guidance_in.in_layer.bias", img_in__weight=(3072, channels))


@pytest.mark.parametrize(
    ("name", "blocks", "width", "class_name", "distilled"),
    [
        ("flux2-dev-q4", 8, 6144, "Flux2Pipeline", None),
        ("flux-2-klein-4b", 5, 3072, "Flux2KleinPipeline", True),
        ("flux-2-klein-base-4b", 5, 3072, "Flux2KleinPipeline", None),
        ("flux-2-klein-9b-fp8", 8, 4096, "Flux2KleinPipeline", True),
        ("flux-2-klein-9b-kv", 8, 4096, "Flux2KleinKVPipeline", True),
    ],
)
def test_flux_2_by_its_width_and_blocks(
    name: str, blocks: int, width: int, class_name: str, distilled: bool | None
) -> None:
    found = flux2(name, blocks, width)
    assert (found.class_name, found.denoiser["num_layers"]) == (class_name, blocks)
    assert found.index.get("is_distilled") is distilled
    assert found.guesses


def test_flux_1_by_its_channels_then_by_its_name() -> None:
    assert flux1("flux1-dev").class_name == "FluxPipeline"
    assert flux1("flux1-kontext-dev-q8").class_name == "FluxKontextPipeline"
    assert "@kontext" in flux1("my-tune").guesses[0]
    fill, depth = flux1("flux1-fill-dev", 384).other, flux1("depth", 128).other
    assert fill is not None
    assert "inpainting" in fill.what
    assert depth is not None
    assert "control image" in depth.what
    schnell = told("x", "double_blocks.0.img_attn.norm.key_norm.scale")
    assert (schnell.kind, schnell.index) == ("flux-schnell", {"is_distilled": True})


def test_every_file_that_may_be_of_several_models_is_told_as_a_guess() -> None:
    """Else one that is not distilled would be drawn in four steps, or one that is in thirty, without a word."""
    schnell = told("pixelwave-dedistilled", "double_blocks.0.img_attn.norm.key_norm.scale")
    assert "it is a guess by its name; of another, say @flux-schnell, or a preset of your own" in schnell.guesses[0]
    v1 = "model.diffusion_model.output_blocks.11.0.skip_connection.weight"
    for name in ("dreamshaper_8", "dreamshaper_8LCM"):
        assert "@sd15, or a preset of your own" in told(name, v1).guesses[0]
    kinds = {twin.kind for twin in TWINS if twin.guess}
    one_model = {"sd3", "auraflow", "lumina2", "sana", "cosmos-2.0-t2i-2B", "cosmos-2.0-t2i-14B", "playground-v2-5"}
    assert set(CLASSES) - kinds == one_model


@pytest.mark.parametrize(
    ("name", "class_name"),
    [
        ("qwen_image_fp8_e4m3fn", "QwenImagePipeline"),
        ("qwen_image_2512_bf16", "QwenImagePipeline"),
        ("qwen_image_edit_fp8", "QwenImageEditPipeline"),
        ("qwen-image-edit-2509-q4_k_m", "QwenImageEditPlusPipeline"),
        ("qwen-rapid-aio-v5", "QwenImageEditPlusPipeline"),
    ],
)
def test_qwen_image_by_its_name(name: str, class_name: str) -> None:
    found = told(name, *QWEN)
    assert (found.kind, found.class_name) == ("qwen-image", class_name)
    assert found.guesses


def test_the_mark_of_the_newest_edit_model_is_no_guess() -> None:
    found = told("mine", *QWEN, "__index_timestep_zero__")
    assert (found.class_name, found.guesses) == ("QwenImageEditPlusPipeline", ())


@pytest.mark.parametrize(
    ("name", "distilled"),
    [("z_image_turbo_bf16", True), ("z_image_bf16", None), ("z-image-base", None), ("somebodys-tune", True)],
)
def test_z_image_by_its_name(name: str, distilled: bool | None) -> None:
    found = told(name, "layers.0.adaLN_modulation.0.weight")
    assert (found.class_name, found.index.get("is_distilled")) == ("ZImagePipeline", distilled)
    assert "@z-image-turbo" in found.guesses[0]


def test_krea_2_by_its_name() -> None:
    assert told("krea2_turbo_fp8", "txtfusion.projector.weight").index == {"is_distilled": True}
    assert told("krea2_raw", "txtfusion.projector.weight").index == {}


def test_a_unet_of_sdxl_alone() -> None:
    assert told("x", "add_embedding.linear_1.weight", "up_blocks.0.resnets.0.conv1.weight").kind == "xl_unet"
    assert told("x", "label_emb.0.0.weight", "output_blocks.8.0.skip_connection.weight").kind == "xl_unet"


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("hidream_i1_full_fp8", "HiDream-I1-Full"),
        ("my-hidream", "HiDream-I1-Full"),
        ("hidream_i1_dev_bf16", "HiDream-I1-Dev"),
        ("hidream-i1-fast-q4", "HiDream-I1-Fast"),
    ],
)
def test_a_hidream_takes_its_schedule_from_the_one_that_it_is(name: str, repository: str) -> None:
    found = told(name, "double_stream_blocks.0.block.adaLN_modulation.1.bias")
    assert found.repository == f"HiDream-ai/{repository}"
    assert found.guesses


@pytest.mark.parametrize("name", ["net.x_embedder.proj.1.weight", "patch_embedding.weight"])
def test_what_diffusers_has_no_sizes_of_is_of_no_known_family(name: str) -> None:
    assert not told("x", name, "net.blocks.0.block.attn.to_q.0.weight", "net.extra_pos_embedder.pos_emb_h").class_name


def test_a_text_encoder_is_told_as_one() -> None:
    found = told("t5xxl_fp16", "encoder.block.0.layer.0.SelfAttention.k.weight").other
    assert found is not None
    assert "a text encoder" in found.what

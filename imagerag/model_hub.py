"""What all that loads weights has in common, whatever the weights are of: quiet libraries, and words for what lacks."""

import logging
import warnings

from imagerag.errors import UserError

_LIBRARIES = ("diffusers", "huggingface_hub", "transformers", "bitsandbytes", "langchain_google_genai")


def silence_libraries() -> None:
    """Leave the libraries' warnings about what is handled here (long prompts, retries) out of the story on stderr."""
    for library in _LIBRARIES:
        warnings.filterwarnings("ignore", module=library)
        logging.getLogger(library).setLevel(logging.ERROR)


def weights_missing(model: str, reason: str, size: str = "") -> UserError:
    """Return the one line for weights that are not on this machine and can't be fetched.

    Args:
        model: its id, as ``hf download`` takes it, with anything behind it in brackets.
        reason: why it can't be fetched.
        size: what there is to say about its size.
    """
    return UserError(
        f"model {model!r}{size} is not on this machine and can't be downloaded ({reason}); where there is a network: "
        f"hf download {model.partition(' (')[0]}"
    )

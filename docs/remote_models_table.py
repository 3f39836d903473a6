"""Prints the table of docs/images-apis.md: python -m docs.remote_models_table"""

from imagerag.remote_models import RemoteModel, remote_models


def main() -> None:
    """Print one row for each model that draws and had not ended when that was read."""
    print("| `--generator` | references | one image costs | ends |")
    print("|---|---|---|---|")
    for name, model in remote_models().items():
        if model.references is not None and (model.ends is None or model.ends > model.read):
            ends = f"{model.ends}, then `{model.successor}`" if model.ends else ""
            ends += f" (another source: {model.disputed.ends})" if model.disputed else ""
            print(f"| `{name}` | {model.references or 'none'} | {_price(model)} | {ends} |")


def _price(model: RemoteModel) -> str:
    """Return in words what one image costs at most, as far as that is known."""
    if model.image is not None:
        more = f", and ${model.reference:g} a reference" if model.reference else ""
        return f"${model.image:g}{more}"
    if model.output is None:
        return "not known here"
    return f"at most ${model.output * model.tokens / 1e6:.2f}"


if __name__ == "__main__":
    main()

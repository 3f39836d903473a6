"""The templates of pages: every text in them is escaped, and nothing that they name may be missing."""

from importlib import resources
from typing import Any


def render(template: str, /, **values: Any) -> str:
    """Return a page.

    Args:
        template: a file beside this module.
        values: what it shows.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=FunctionLoader(_text)
    )
    return environment.get_template(template).render(**values)


def _text(name: str) -> str:
    return resources.files("imagerag.report").joinpath(name).read_text(encoding="utf-8")

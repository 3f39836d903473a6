"""The prompts that models read, as Jinja templates; rendering refuses an undefined variable."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from imagerag import tool_registry


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(  # plain text for a model, so nothing is HTML-escaped
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    names = ("GENERATE", "INSPECT_IMAGE", "PROPOSE_CAPTIONS", "SEARCH_REFERENCES", "REGENERATE", "FIND_FACTS")
    environment.globals.update({name: getattr(tool_registry, name) for name in names})
    return environment


def render(name: str, /, **variables: Any) -> str:
    """Render the template of that file name.

    Raises:
        jinja2.UndefinedError: a variable the template uses was not given.
        jinja2.TemplateNotFound: no such file in ``prompts/``.
    """
    return _environment().get_template(name).render(**variables).strip()

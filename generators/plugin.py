"""Generators of installed packages: what fails in them is told the model, and loses no run."""

from typing import Any, cast

from imagerag.device_settings import DeviceSettings
from imagerag.errors import BudgetExceeded, Cancelled, InvalidArgument, UserError, first_line
from imagerag.generators.base import UNCONTROLLED, DrawControl, Drawing, DrawRequest, Generator, GeneratorPlugin
from imagerag.plugins import installed, load_as, made_by


class _OfPackage:
    """A package's generator; it has all the attributes that the package's own has."""

    def __init__(self, generator: Generator, package: str) -> None:
        self._generator = generator
        self._package = package

    def __getattr__(self, name: str) -> Any:
        return getattr(self._generator, name)

    def draw(self, request: DrawRequest, control: DrawControl = UNCONTROLLED) -> list[Drawing]:
        """See ``Generator.draw``.

        Raises:
            InvalidArgument: what the package raises besides.
        """
        try:
            return self._generator.draw(request, control)
        except (InvalidArgument, UserError, BudgetExceeded, Cancelled):
            raise
        except (Exception, SystemExit) as error:
            raise InvalidArgument(
                f"the generator {self._generator.name!r} of the package {self._package!r} failed "
                f"({type(error).__name__}: {first_line(error)})"
            ) from error


def load_generator_plugin(name: str, what: str, settings: DeviceSettings) -> Generator:
    """Return the generator behind the entry point of that name.

    Args:
        name: of the entry point.
        what: follows the colon in ``NAME:WHAT``.
        settings: where and how models that run here are held.

    Raises:
        UserError: it is no ``GeneratorPlugin``, can't be imported, or can't be loaded.
    """
    plugin = load_as(GeneratorPlugin, "generators", name)
    generator = made_by("generators", name, lambda: plugin.load(what, settings))
    return cast("Generator", _OfPackage(generator, installed("generators")[name].package))

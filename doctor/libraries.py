"""Whether the libraries that are searched are there, and of the CLIP model that searches them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from imagerag.agent.names import CLIP_OF
from imagerag.doctor.finding import Finding, of_error, ok, warning, wrong
from imagerag.doctor.places import can_be_folder
from imagerag.embedders.calibration import Calibration, Shows
from imagerag.embedders.clip import model_id_of
from imagerag.errors import UserError
from imagerag.index.user.calibration_file import calibrate_command, in_words, library_calibration
from imagerag.index.user_libraries import OWN, indexed_models, library_names
from imagerag.plugins import installed
from imagerag.profiles.resolve import RunSettings
from imagerag.profiles.soundness import BUNDLED, EMBEDDED_MODEL, kind_drawn
from imagerag.shell_words import quoted
from imagerag.store.home import home_path

AREA = "index"


def check_libraries(settings: RunSettings) -> list[Finding]:
    """Return what there is to say of the data directory and of each library that is searched; no model is loaded."""
    found = [finding for name in settings.library for finding in _of_library(settings, name)]
    return [_of_home(home_path(settings.home)), *found, *_of_critic(settings)]


def _of_home(home: Path) -> Finding:
    if can_be_folder(home):
        return ok(
            "data", f"directory {str(home)!r} is writable" if home.exists() else f"{str(home)!r} is made when used"
        )
    return wrong("data", f"directory {str(home)!r} can't be written", "choose another with --home DIR")


def _of_library(settings: RunSettings, name: str) -> Iterator[Finding]:
    if name == BUNDLED:
        yield ok(AREA, "the bundled library comes with imagerag")
        return
    if name in installed("searches"):
        yield ok(AREA, f"{name!r} is a search service of {installed('searches')[name].package}")
        return
    home = home_path(settings.home)
    if name not in library_names(home):
        return  # the check of names says so
    try:
        models = indexed_models(home, name)
        wanted = {model: model_id_of(model) for model in settings.lookup_models}
    except UserError as error:
        yield of_error(AREA, error)
        return
    if not models:
        # A library of pictograms is searched as well where that is what is drawn.
        other = f"; {BUNDLED!r} is searched" if BUNDLED in settings.library else "; nothing can be looked up"
        status = ok if BUNDLED in settings.library else warning
        text = f"library {name!r} has no pictures yet{other}"
        yield ok(AREA, text) if status is ok else warning(AREA, text, _add(settings, name))
        return
    for model, identity in wanted.items():
        if identity in models:
            yield ok(AREA, f"library {name!r} is of {identity}")
        else:
            text = f"library {name!r} is of {', '.join(models)}, and --lookup-model is {model!r}"
            yield wrong(AREA, text, _add(settings, name, model))


def _of_critic(settings: RunSettings) -> Iterator[Finding]:
    """Yield what there is to say of the pictures that a critic of any CLIP model is calibrated on."""
    if not settings.critic.startswith(CLIP_OF):
        return
    model, home = settings.critic.removeprefix(CLIP_OF), home_path(settings.home)
    try:
        identity = model_id_of(model)
    except UserError:  # the check of the models says so
        return
    own = [name for name in settings.library if name in library_names(home)]
    indexed = [name for name in own if identity in indexed_models(home, name)]
    if not indexed:
        text = (
            f"critic {settings.critic!r} is uncalibrated, since no captioned pictures are indexed with its model: "
            "a run ends after one drawing"
        )
        searched = "" if own else f", and --library {','.join([*settings.library, OWN])}"
        shows: Shows | None = "pictograms" if settings.makes == "pictograms" else None  # the default is photographs
        yield warning(AREA, text, _add(settings, own[0] if own else OWN, model, shows) + searched)
    fitted = {name: library_calibration(home, name, identity) for name in indexed}
    drawn = kind_drawn(settings.makes)
    judged = any(record is not None and record.calibrated and record.shows == drawn for record in fitted.values())
    for name, record in fitted.items():
        yield _of_calibration(settings, name, model, record, judged)


def _of_calibration(settings: RunSettings, name: str, model: str, fitted: Calibration | None, judged: bool) -> Finding:
    """Return whether the critic's model was calibrated on a library's pictures.

    Args:
        settings: of the run.
        name: of the library.
        model: the critic's, as it was named.
        fitted: what was fitted on the library, if anything was.
        judged: whether a library, this one or another, calibrates the critic of what is drawn.
    """
    drawn = kind_drawn(settings.makes)
    if fitted is None:
        text = f"critic 'clip:{model}' is not calibrated on library {name!r}"
        return warning(AREA, text, calibrate_command(name, model, "pictograms" if drawn == "pictograms" else None))
    if fitted.calibrated and fitted.shows != drawn and not judged:
        text = (
            f"critic 'clip:{model}' is uncalibrated: library {name!r} is said to show {fitted.shows}, and {drawn} are "
            "drawn; a run ends after one drawing"
        )
        return warning(AREA, text, f"if they are {drawn}: {calibrate_command(name, model, drawn)}")
    if fitted.calibrated:
        return ok(AREA, in_words(fitted))
    shows = drawn if fitted.shows != drawn else None
    return warning(AREA, in_words(fitted), f"{_add(settings, name, model, shows)} with pictures that have captions")


def _add(settings: RunSettings, name: str, model: str | None = None, shows: Shows | None = None) -> str:
    """Return the command that indexes pictures for the run's model, and says what they are."""
    model = model or settings.lookup_models[0]
    words = ["imagerag", "index", "add", "FOLDER", *(["--library", name] if name != OWN else [])]
    words += ["--lookup-model", model] if model != EMBEDDED_MODEL else []
    return quoted([*words, *(["--shows", shows] if shows else [])])

"""The libraries of a run: which can be searched, opened as one index, and shown to a critic that judges by CLIP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from imagerag.agent.names import CLIP_OF
from imagerag.device_settings import DeviceSettings
from imagerag.embedders.clip import model_id_of
from imagerag.embedders.registry import clip_model, embedded_clip
from imagerag.errors import UserError
from imagerag.index.base import Floor, ReferenceIndex
from imagerag.index.user_libraries import (
    OWN,
    check_library_name,
    indexed_models,
    is_empty_library,
    is_searched_by_mcp,
    library_directory,
    library_names,
    searched_web_sources,
    sources_in_words,
)
from imagerag.index.web.names import web_source_names
from imagerag.licences import DEFAULT_POLICY, LicencePolicy
from imagerag.plugins import installed, make
from imagerag.profiles.soundness import BUNDLED, EMBEDDED_MODEL, kind_drawn
from imagerag.settings import LIBRARIES

if TYPE_CHECKING:
    from imagerag.agent.clip_critic import ClipCritic
    from imagerag.embedders.calibration import Calibration, LookupFloor
    from imagerag.embedders.clip import Embedder
    from imagerag.generators.base import ImageKind
    from imagerag.index.search import CombinedIndex
    from imagerag.index.user import ModelEnsemble, UserPictures
    from imagerag.index.user.snapshot import Snapshot


@lru_cache(maxsize=8)
def open_user_pictures(
    home: Path, chroma: str | None, model: str, library: str, device: DeviceSettings | None, /
) -> UserPictures:
    """Return this process's one view of a library of the person's own, as embedded by a model.

    By place alone, and nothing left out: the cache takes the same arguments given otherwise for others, and would hold
    what is known of the pictures twice.

    Raises:
        UserError: no such model.
    """
    from imagerag.index.user import UserPictures

    return UserPictures(home, clip_model(model, device), chroma=chroma, library=library)


def searchable_libraries(
    home: Path,
    libraries: Sequence[str],
    models: Sequence[str],
    named: bool,
    makes: ImageKind = "any",
    tell_empty: bool = True,
    offline: bool = False,
) -> tuple[tuple[str, ...], list[str]]:
    """Return the libraries that can be searched, and what to tell of those that can't.

    One of the person's own that is empty is left out: its CLIP model need not be loaded to find nothing. So is one of
    pictograms where photographs are drawn, unless somebody asks for it, who is told then.

    Args:
        home: the data directory.
        libraries: their names.
        models: the CLIP models that search the person's own.
        named: whether somebody asks for these libraries.
        makes: what the references are for.
        tell_empty: tell that nothing is there to search even where nobody asked for a library.
        offline: leave web sources out.

    Raises:
        UserError: nothing has such a name, and those there are; or one that is asked for was indexed with other models
            alone.
    """
    usable: list[str] = []
    empty: list[str] = []
    notes: list[str] = []
    own, services = library_names(home), installed("searches")
    sources = searched_web_sources(home)
    for name in libraries:
        check_library_name(home, name, models[0])
        if name in own and name in web_source_names() and name not in services:
            notes.append(f"library {name!r} is your own, not the web source of that name; rename its folder for that")
        if offline and (name in sources or name in services or is_searched_by_mcp(home, name)):
            what = "search service" if name in services and name not in sources else "web source"
            notes.append(f"{what} {name!r} is not asked: --offline")
            continue
        personal = name in own and name not in services and name not in sources
        if personal and is_empty_library(home, name):
            empty.append(name)
            continue
        problem = _other_models(home, name, models) if personal else None
        if personal and problem is None and makes == "photographs" and _shows_pictograms(home, name, models):
            what = f"library {name!r} was said to show pictograms, which are put into photographs as references"
            if not named:
                notes.append(
                    f"{what}; it is not searched: ask for it with --library {name}, or say what it shows with "
                    f"imagerag index calibrate --shows photographs"
                )
                continue
            notes.append(f"{what}, since you ask for it")
        if problem is not None and (searched_by := _models_of(home, name, models)):
            usable.append(name)
            notes.append(f"it is searched by {' and '.join(searched_by)} alone: {problem}")
        elif problem is None:
            usable.append(name)
        elif named:
            raise UserError(f"{problem}, or leave the library out with --library")
        else:
            notes.append(f"nothing is looked up there: {problem}")
    if empty and (named or (tell_empty and not usable)):
        flag = "" if empty[0] == OWN else f" --library {empty[0]}"
        notes.append(
            f"nothing can be looked up in {', '.join(empty)}, which is empty; next: imagerag index add FOLDER{flag} "
            f"--lookup-model {models[0]}"
        )
    return tuple(usable), notes


def _shows_pictograms(home: Path, name: str, models: Sequence[str]) -> bool:
    """Tell whether somebody said so when a library was calibrated."""
    from imagerag.index.user.calibration_file import CalibrationFile

    folder = library_directory(home, name)
    known = (CalibrationFile(folder, model_id_of(model)).read() for model in models)
    return any(one is not None and one.shows == "pictograms" for one in known)


def _models_of(home: Path, name: str, models: Sequence[str]) -> list[str]:
    """Return those of the models that a library was indexed with; all of them while it was indexed with none."""
    known = indexed_models(home, name)
    return [model for model in models if not known or model_id_of(model) in known]


def _other_models(home: Path, name: str, models: Sequence[str]) -> str | None:
    """Say which models a library was not indexed with, if it was indexed with others."""
    found = _models_of(home, name, models)
    lacking = [model for model in models if model not in found]
    if not lacking:
        return None
    known = indexed_models(home, name)
    flag = "" if name == OWN else f" --library {name}"
    return (
        f"library {name!r} was indexed with {', '.join(known)}, not with {' and '.join(map(repr, lacking))}; "
        f"next: imagerag index add {sources_in_words(home, name, known[0])}{flag} --lookup-model {lacking[0]}"
    )


@lru_cache(maxsize=4)
def open_index(
    home: Path,
    chroma: str | None = None,
    models: tuple[str, ...] = ("embedded",),
    floor: float | None = None,
    diverse: float = 0.0,
    libraries: tuple[str, ...] = LIBRARIES,
    device: DeviceSettings | None = None,
    policy: LicencePolicy = DEFAULT_POLICY,
    sensitive: bool = False,
    mcp_server: tuple[str, ...] = (),
    mcp_allow: tuple[str, ...] = (),
) -> CombinedIndex:
    """Return this process's one index of a data directory; Chroma wants no second client on the same files.

    Args:
        home, chroma: where it lies.
        models: that search the own pictures; several are fused.
        floor: similarity below which nothing is found; if not given, where each model was calibrated to let 5 % of the
            queries for what is not there through.
        diverse: see ``CombinedIndex``.
        libraries: what is searched: ``bundled``, names of the person's own, of installed search services, and of web
            sources.
        device: that other models than the embedded one compute on.
        policy: licences that are drawn with.
        sensitive: whether web sources may answer with what they mark as sensitive.
        mcp_server, mcp_allow: servers whose image searches ``libraries`` may name, and which of their tools.

    Raises:
        UserError: no such model, or no such service.
    """
    from imagerag.index.bounded_service import BoundedService
    from imagerag.index.bundled.chroma import ChromaIndex
    from imagerag.index.moderated_service import ModeratedService
    from imagerag.index.plugin_search import SearchService
    from imagerag.index.search import CombinedIndex
    from imagerag.index.user import ModelEnsemble
    from imagerag.index.web.candidates import WebSource
    from imagerag.index.web.registry import open_web_source
    from imagerag.index.web.web_index import WebIndex

    searches, sources = installed("searches"), searched_web_sources(home)
    users: list[UserPictures | ModelEnsemble] = []
    first: list[UserPictures] = []
    for name in libraries:
        elsewhere = name in searches or name in sources or is_searched_by_mcp(home, name)
        if name != BUNDLED and not elsewhere:
            searched_by = _models_of(home, name, models) or models
            views = [open_user_pictures(home, chroma, model, name, device) for model in searched_by]
            if searched_by[0] == models[0]:
                first.append(views[0])
            users.append(views[0] if len(views) == 1 else ModelEnsemble(views))
    library = ChromaIndex(home, embedded_clip()) if BUNDLED in libraries else None
    least: Floor = "calibrated" if floor is None else floor
    made = {name: make("searches", name, home) for name in libraries if name in searches}
    on_web = [open_web_source(name) for name in libraries if name in sources and name not in searches]
    on_web += [one for one in made.values() if isinstance(one, WebSource)]
    for name in libraries:
        if is_searched_by_mcp(home, name):
            from imagerag.tools.mcp_search import McpSearch

            on_web.append(McpSearch(name, mcp_server, mcp_allow))
    services: list[ReferenceIndex] = [
        ModeratedService(BoundedService(one, name), name)
        for name, one in made.items()
        if not isinstance(one, WebSource)
    ]
    web = None
    if services or on_web:  # else the model need not be loaded
        embedder = clip_model(models[0], device)
        # The embedded model was trained on pictograms, and can't tell what others' pictures show.
        fit = None if models[0] == EMBEDDED_MODEL else _floor_fit(embedder, first)
        if fit is not None:
            services = [SearchService(service, embedder, fit, least) for service in services]
        if on_web:
            web = WebIndex(on_web, home, embedder, fit, least, policy, sensitive, diverse)
    return CombinedIndex(library, users, least, diverse=diverse, services=services, web=web, home=home, policy=policy)


def _floor_fit(embedder: Embedder, libraries: Sequence[UserPictures]) -> Callable[[], LookupFloor | None]:
    """Return what fits a model's floor for pictures of others.

    It is that of the person's own library that most pictures were calibrated of; without one, that of the committed
    names and pictures.
    """
    from imagerag.index.null_calibration import null_floor

    def fit() -> LookupFloor | None:
        fitted = [found for one in libraries if (found := one.calibration_file.read()) and found.floor]
        best = max(fitted, key=lambda found: found.pictures, default=None)
        return null_floor(embedder) if best is None else best.floor

    return fit


def shown_libraries(
    critic: ClipCritic,
    home: Path,
    chroma: str | None,
    libraries: Sequence[str],
    device: DeviceSettings,
    makes: ImageKind,
) -> ClipCritic:
    """Return the critic with what a person's own pictures tell it.

    The one of pictograms compares with the pictures of those that are searched as well; one of any other model judges
    by the library, among them, that it was calibrated on with most captions, and alone by that. Where none of them
    shows what is drawn it stays uncalibrated.

    Args:
        critic: that judges.
        home, chroma, device: see ``open_index``.
        libraries: names of those that are searched.
        makes: what the generator's images look like.
    """
    own = library_names(home)
    if not critic.name.startswith(CLIP_OF):
        for name in (name for name in libraries if name in own):
            pictures = open_user_pictures(home, chroma, EMBEDDED_MODEL, name, device)
            critic = critic if pictures.is_empty() else _knowing(critic, pictures, pictures.snapshot(), None)
        return critic
    model = critic.name.removeprefix(CLIP_OF)
    views = [open_user_pictures(home, chroma, model, name, device) for name in libraries if name in own]
    filled = [view for view in views if not view.is_empty()]
    fitted = [(view, calibration) for view in filled if (calibration := view.calibration_file.read())]
    if not fitted:
        return critic
    drawn = kind_drawn(makes)
    view, calibration = max(fitted, key=lambda pair: (pair[1].shows == drawn, pair[1].captioned))
    if calibration.shows != drawn:
        calibration = replace(calibration, captioned=0)
    return _knowing(critic, view, view.snapshot(), calibration)


_critics: WeakKeyDictionary[Snapshot, dict[tuple[ClipCritic, Calibration | None], ClipCritic]] = WeakKeyDictionary()
"""Critics that know the own pictures as they are now. Of a million of them a snapshot takes hundreds of megabytes, so
that none is kept of what they were."""
_critics_lock = threading.Lock()


def _knowing(critic: ClipCritic, own: UserPictures, known: Snapshot, calibration: Calibration | None) -> ClipCritic:
    """Return the critic that knows the own pictures, made once for as long as they stay as they are."""
    with _critics_lock:
        made = _critics.setdefault(known, {})
        if (critic, calibration) not in made:
            made[critic, calibration] = _shown(critic, own, known, calibration)
        return made[critic, calibration]


def _shown(critic: ClipCritic, own: UserPictures, known: Snapshot, calibration: Calibration | None) -> ClipCritic:
    """Show a critic the own pictures.

    Args:
        critic: the one of pictograms, which compares with the own pictures as well; or one of any model, which judges
            by the own pictures alone.
        own: the pictures, of the critic's model.
        known: what is known of them, another object whenever they have changed.
        calibration: of the own pictures, if there is one.
    """
    from imagerag.agent.clip_critic import ClipCritic
    from imagerag.embedders.window_evidence import Exemplars
    from imagerag.index.user.calibrate import own_eyes
    from imagerag.index.user.store import SHOWN

    if not critic.name.startswith(CLIP_OF):
        shown = Exemplars(*own.shown())
        return critic.knowing(shown) if shown.names else critic
    if not len(known) or calibration is None:
        return critic
    eyes, _, _ = own_eyes(own, SHOWN)
    return ClipCritic(critic.embedder, eyes.names, eyes.exemplars, calibration, critic.name)

"""The engines of a graph: injected ones, or those the context names, made when first asked for."""

from collections.abc import Callable, Sequence
from dataclasses import InitVar, dataclass, field
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool
from PIL import Image

from imagerag.agent.protocols import Critic, Driver, ProgramDriver, Reranker, Writer
from imagerag.agent.registry import load_critic, load_driver, load_reranker, load_writer
from imagerag.chat_models.capabilities import takes_images
from imagerag.chat_models.run_memory import RunMemory
from imagerag.chat_models.usage_meter import current_meter
from imagerag.embedders.clip import model_id_of
from imagerag.embedders.registry import clip_model, embedded_clip
from imagerag.errors import UserError
from imagerag.generators.base import Generator
from imagerag.generators.registry import load_generator
from imagerag.index.base import ReferenceIndex
from imagerag.index.user_libraries import OWN, indexed_models, library_names, sources_in_words
from imagerag.interruptible import load_interruptibly
from imagerag.model_hub import download_text, downloads_watched
from imagerag.plugins import installed, make
from imagerag.profiles.resolve import Given, RunSettings, resolve
from imagerag.profiles.soundness import BUNDLED, EMBEDDED_CRITICS
from imagerag.settings import LIBRARIES, Settings
from imagerag.store.home import home_directory
from imagerag.store.images import ImageStore
from imagerag.tools.session import Emit, current_session

if TYPE_CHECKING:
    from imagerag.agent.clip_critic import ClipCritic
    from imagerag.index.combined import CombinedIndex
    from imagerag.index.user import UserPictures


@dataclass(frozen=True)
class InjectedComponents:
    """Parts given to ``build_graph``; ``None`` leaves the choice to the context."""

    chat_model: Driver | None = None
    critic: Critic | None = None
    writer: Writer | None = None
    generator: Generator | None = None
    index: ReferenceIndex | None = None
    store: ImageStore | None = None


Part = TypeVar("Part")


def _loaded(load: Callable[[], Part], emit: Emit | None = None) -> Part:
    """Load a part of a run, which a cancel, or the end of the time for loading, need not wait for.

    ``emit`` is told what is downloaded meanwhile. None of it counts against the run's own time.
    """

    def report(done: int, rate: float) -> None:
        if emit is not None:
            text = download_text(done, rate)
            emit({"event": "progress", "what": "loading", "done": done, "total": 0, "text": text})

    with current_meter().loading() as check, downloads_watched(report):
        return load_interruptibly(load, check)


def _built(emit: Emit | None, done: int, total: int) -> None:
    """Tell how far the building of the index has come, and leave it there where the run has to end."""
    current_meter().check()
    if emit is not None:
        emit({"event": "progress", "what": "indexing", "done": done, "total": total})


@dataclass(frozen=True)
class Components:
    """The parts of one run. Nothing is loaded until it is used: a run that looks nothing up opens no index.

    Args:
        asked: the settings; what they leave open comes from a profile.
        injected: parts given by a program.
        emit: told how far loading, and the first look-up with building the index, have come.

    Raises:
        UserError: the settings can't be used here; see ``imagerag.profiles.resolve``.
    """

    asked: InitVar[Settings]
    injected: InjectedComponents = field(default_factory=InjectedComponents)
    emit: Emit | None = None
    settings: RunSettings = field(init=False)
    """With nothing left open."""

    def __post_init__(self, asked: Settings) -> None:
        """Fill in what is left open."""
        given = Given.of(self.injected.generator, self.injected.critic, self.injected.index)
        object.__setattr__(self, "settings", resolve(asked, given=given))

    @cached_property
    def home(self) -> Path:
        """The data directory, created if need be."""
        return home_directory(self.settings.home)

    @cached_property
    def driver(self) -> Driver:
        """The chat model, or the program, that decides."""
        if self.injected.chat_model is not None:
            return self.injected.chat_model
        return _loaded(lambda: load_driver(self.settings.vlm, self.settings.device_settings), self.emit)

    @property
    def program(self) -> ProgramDriver | None:
        """The driver, if it is a program."""
        return self.driver if isinstance(self.driver, ProgramDriver) else None

    @property
    def chat_model(self) -> BaseChatModel | None:
        """The driver, if it is a chat model."""
        return None if isinstance(self.driver, ProgramDriver) else self.driver

    def driver_takes_images(self, memory: RunMemory) -> bool:
        """Tell whether the driver is a chat model that may be sent images in that run."""
        model = self.chat_model
        return model is not None and not self.settings.vlm_text_only and takes_images(model, memory)

    def nearest_captions(self, image: Image.Image) -> list[tuple[str, float]]:
        """Return the captions that are nearest to an image by CLIP, for a model that can't see it."""
        from imagerag.agent.clip_critic import ClipCritic

        name = self.settings.clip_critic
        critic = self.critic if isinstance(self.critic, ClipCritic) else _loaded(lambda: load_critic(name), self.emit)
        assert isinstance(critic, ClipCritic)
        return critic.nearest_captions(image)

    @cached_property
    def extra_tools(self) -> dict[str, BaseTool]:
        """The tools that the chat model may call besides ours, by name: of plugins, and of mounted MCP servers.

        Raises:
            UserError: a server or a name is of no use, or a program decides, which calls no other tools than ours.
        """
        settings = self.settings
        mounted = bool(settings.mcp_server or settings.mcp_allow)
        if self.program is not None:
            if mounted:
                raise UserError(
                    f"vlm {settings.vlm!r} decides by rules, which call no tools of --mcp-server; name a chat model "
                    "with --vlm, or leave --mcp-server out"
                )
            return {}
        from imagerag.tools.plugin_tools import load_plugin_tools

        tools = load_plugin_tools(current_session)
        if mounted:
            from imagerag.tools.mcp_tools import mount

            taken = frozenset(tool.name for tool in tools)
            tools += mount(settings.mcp_server, settings.mcp_allow, current_session, taken)
        return {tool.name: tool for tool in tools}

    @cached_property
    def critic(self) -> Critic:
        """The critic that judges; the embedded one knows the person's own pictures by their captions."""
        if self.injected.critic is not None:
            return self.injected.critic
        from imagerag.agent.clip_critic import ClipCritic

        settings = self.settings
        critic = _loaded(
            lambda: load_critic(settings.critic, settings.device_settings, settings.clip_critic), self.emit
        )
        if self.injected.index is None and isinstance(critic, ClipCritic) and self.settings.critic in EMBEDDED_CRITICS:
            for name in library_names(self.home):
                own = open_user_pictures(self.home, self.settings.chroma, library=name)
                critic = critic if own.is_empty() else _knowing(critic, own, own.snapshot())
        return critic

    @cached_property
    def writer(self) -> Writer:
        """The writer of captions and rephrased prompts."""
        if self.injected.writer is not None:
            return self.injected.writer
        return _loaded(
            lambda: load_writer(self.settings.vlm, self.settings.device_settings, self.settings.wording), self.emit
        )

    @cached_property
    def generator(self) -> Generator:
        """The generator that draws."""
        if self.injected.generator is not None:
            return self.injected.generator
        return _loaded(lambda: load_generator(self.settings.generator, self.settings.device_settings), self.emit)

    @cached_property
    def index(self) -> ReferenceIndex:
        """The reference index."""
        if self.injected.index is not None:
            return self.injected.index
        settings, emit = self.settings, self.emit
        home = self.home
        libraries, _ = self.searchable
        index = _loaded(
            lambda: open_index(
                home,
                settings.chroma,
                settings.lookup_models,
                settings.lookup_floor,
                settings.lookup_diverse,
                libraries,
            )
        )
        if index.library is not None:
            index.library.progress = partial(_built, emit)
        if emit is not None and index.library is not None:
            index.library.on_wait = lambda text: emit({"event": "note", "text": text})
        return index

    @cached_property
    def searchable(self) -> tuple[tuple[str, ...], list[str]]:
        """The libraries that can be searched, and what to tell of those that can't; see ``searchable_libraries``."""
        settings = self.settings
        return searchable_libraries(self.home, settings.library, settings.lookup_models, settings.names("library"))

    @cached_property
    def reranker(self) -> Reranker | None:
        """What puts references in a better order, if anything."""
        settings = self.settings
        names = settings.rerank, settings.vlm, settings.critic
        first = settings.lookup_models[0]
        return _loaded(lambda: load_reranker(*names, settings.device_settings, first), self.emit)

    @cached_property
    def store(self) -> ImageStore:
        """The image store."""
        return self.injected.store or ImageStore(self.home)


@lru_cache(maxsize=4)
def _knowing(critic: "ClipCritic", own: "UserPictures", known: object) -> "ClipCritic":
    """Return the critic that knows the own pictures, made once for as long as they stay as they are.

    Args:
        critic: that knows the library.
        own: the pictures.
        known: what is known of them, another object whenever they have changed.
    """
    from imagerag.agent.clip_critic import Exemplars

    shown = Exemplars(*own.shown())
    return critic.knowing(shown) if shown.names else critic


@lru_cache(maxsize=8)
def open_user_pictures(
    home: Path, chroma: str | None = None, model: str = "embedded", library: str = OWN
) -> "UserPictures":
    """Return this process's one view of a library of the person's own, as embedded by a model.

    Raises:
        UserError: no such model.
    """
    from imagerag.index.user import UserPictures

    return UserPictures(home, clip_model(model), chroma=chroma, library=library)


def searchable_libraries(
    home: Path, libraries: Sequence[str], models: Sequence[str], named: bool
) -> tuple[tuple[str, ...], list[str]]:
    """Return the libraries that can be searched, and what to tell of those that can't.

    Args:
        home: the data directory.
        libraries: their names.
        models: the CLIP models that search the person's own.
        named: whether somebody asks for these libraries.

    Raises:
        UserError: nothing has such a name, and those there are; or one that is asked for was indexed with other models
            alone.
    """
    usable: list[str] = []
    notes: list[str] = []
    own, services = library_names(home), installed("searches")
    there = list(dict.fromkeys([*LIBRARIES, *own, *services]))
    for name in libraries:
        if name not in there:
            raise UserError(
                f"library {name!r} is not known; give --library some of: {', '.join(there)}, or make it: "
                f"imagerag index add FOLDER --library {name}"
            )
        problem = _other_models(home, name, models) if name in own and name not in services else None
        if problem is None:
            usable.append(name)
        elif named:
            raise UserError(f"{problem}, or leave the library out with --library")
        else:
            notes.append(f"nothing is looked up there: {problem}")
    return tuple(usable), notes


def _other_models(home: Path, name: str, models: Sequence[str]) -> str | None:
    """Say which model a library was not indexed with, if it was indexed with others alone."""
    known = indexed_models(home, name)
    for model in models if known else ():
        if model_id_of(model) not in known:
            flag = "" if name == OWN else f" --library {name}"
            return (
                f"library {name!r} was indexed with {', '.join(known)}, not with {model!r}; "
                f"next: imagerag index add {sources_in_words(home, name, known[0])}{flag} --model {model}"
            )
    return None


@lru_cache(maxsize=4)
def open_index(
    home: Path,
    chroma: str | None = None,
    models: tuple[str, ...] = ("embedded",),
    floor: float | None = None,
    diverse: float = 0.0,
    libraries: tuple[str, ...] = LIBRARIES,
) -> "CombinedIndex":
    """Return this process's one index of a data directory; Chroma wants no second client on the same files.

    Args:
        home, chroma: where it lies.
        models: that search the own pictures; several are fused.
        floor: similarity below which nothing is found; if not given ``FLOOR``, and none for what other models than the
            embedded one have found, whose cosines mean something else.
        diverse: see ``CombinedIndex``.
        libraries: what is searched: ``bundled``, names of the person's own, and of installed search services.

    Raises:
        UserError: no such model, or no such service.
    """
    from imagerag.index.bundled.chroma import ChromaIndex
    from imagerag.index.combined import CombinedIndex
    from imagerag.index.similarity_floor import FLOOR
    from imagerag.index.user import ModelEnsemble

    searches = installed("searches")
    services: list[ReferenceIndex] = [make("searches", name, home) for name in libraries if name in searches]
    users: list[UserPictures | ModelEnsemble] = []
    for name in libraries:
        if name != BUNDLED and name not in searches:
            views = [open_user_pictures(home, chroma, model, name) for model in models]
            users.append(views[0] if len(views) == 1 else ModelEnsemble(views))
    library = ChromaIndex(home, embedded_clip()) if BUNDLED in libraries else None
    user_floor = floor if floor is not None else FLOOR if models == ("embedded",) else -1.0
    floors = [user_floor] * len(users)
    return CombinedIndex(library, users, FLOOR if floor is None else floor, floors, diverse, services)

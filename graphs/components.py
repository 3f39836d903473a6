"""The engines of a graph: injected ones, or those the context names, made when first asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool
from PIL import Image

from imagerag.agent.protocols import Critic, Driver, ProgramDriver, Reranker, Writer
from imagerag.agent.registry import CLIP_OF, load_critic, load_driver, load_reranker, load_writer
from imagerag.chat_models.capabilities import takes_images
from imagerag.chat_models.run_memory import RunMemory
from imagerag.chat_models.usage_meter import current_meter
from imagerag.embedders.registry import clip_model, embedded_clip
from imagerag.errors import UserError
from imagerag.generators.base import Generator
from imagerag.generators.registry import load_generator
from imagerag.index.base import Floor, ReferenceIndex
from imagerag.interruptible import load_interruptibly
from imagerag.plugins import installed, make
from imagerag.settings import LIBRARIES, Settings
from imagerag.store.home import home_directory
from imagerag.store.images import ImageStore
from imagerag.tools.session import Emit, current_session

if TYPE_CHECKING:
    from imagerag.agent.clip_critic import ClipCritic
    from imagerag.embedders.calibration import Calibration
    from imagerag.index.combined import CombinedIndex
    from imagerag.index.user import UserPictures
    from imagerag.index.user.snapshot import Snapshot


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


def _loaded(load: Callable[[], Part]) -> Part:
    """Load a part of a run, which the end of that run's time, or a cancel, need not wait for."""
    return load_interruptibly(load, current_meter().check)


def _built(emit: Emit | None, done: int, total: int) -> None:
    """Tell how far the building of the index has come, and leave it there where the run has to end."""
    current_meter().check()
    if emit is not None:
        emit({"event": "progress", "what": "indexing", "done": done, "total": total})


@dataclass(frozen=True)
class Components:
    """The parts of one run. Nothing is loaded until it is used: a run that looks nothing up opens no index."""

    settings: Settings
    injected: InjectedComponents = field(default_factory=InjectedComponents)
    emit: Emit | None = None
    """Told how far the first look-up has come with building the index."""

    @cached_property
    def home(self) -> Path:
        """The data directory, created if need be."""
        return home_directory(self.settings.home)

    @cached_property
    def driver(self) -> Driver:
        """The chat model, or the program, that decides."""
        if self.injected.chat_model is not None:
            return self.injected.chat_model
        return _loaded(lambda: load_driver(self.settings.vlm, self.settings.device_settings))

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

        critic = self.critic if isinstance(self.critic, ClipCritic) else _loaded(lambda: load_critic("clip"))
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
        """The critic that judges; a CLIP model knows the person's own pictures by their captions."""
        if self.injected.critic is not None:
            return self.injected.critic
        from imagerag.agent.clip_critic import ClipCritic

        critic = _loaded(lambda: load_critic(self.settings.critic, settings=self.settings.device_settings))
        if self.injected.index is None and isinstance(critic, ClipCritic):
            model = critic.name.removeprefix(CLIP_OF) if critic.name.startswith(CLIP_OF) else "embedded"
            own = open_user_pictures(self.home, self.settings.chroma, model, self.settings.device)
            return critic if own.is_empty() else _knowing(critic, own, own.snapshot(), own.calibration_file.read())
        return critic

    @cached_property
    def writer(self) -> Writer:
        """The writer of captions and rephrased prompts."""
        if self.injected.writer is not None:
            return self.injected.writer
        return _loaded(lambda: load_writer(self.settings.vlm, settings=self.settings.device_settings))

    @cached_property
    def generator(self) -> Generator:
        """The generator that draws."""
        if self.injected.generator is not None:
            return self.injected.generator
        return _loaded(lambda: load_generator(self.settings.generator, self.settings.device_settings))

    @cached_property
    def index(self) -> ReferenceIndex:
        """The reference index."""
        if self.injected.index is not None:
            return self.injected.index
        settings, emit = self.settings, self.emit
        home = self.home
        index = _loaded(
            lambda: open_index(
                home,
                settings.chroma,
                settings.lookup_models,
                settings.lookup_floor,
                settings.lookup_diverse,
                settings.library,
                settings.device,
            )
        )
        if index.library is not None:
            index.library.progress = partial(_built, emit)
        if emit is not None and index.library is not None:
            index.library.on_wait = lambda text: emit({"event": "note", "text": text})
        return index

    @cached_property
    def reranker(self) -> Reranker | None:
        """What puts references in a better order, if anything."""
        settings = self.settings
        return _loaded(
            lambda: load_reranker(
                settings.rerank, settings.vlm, settings.critic, settings.device_settings, settings.lookup_models[0]
            )
        )

    @cached_property
    def store(self) -> ImageStore:
        """The image store."""
        return self.injected.store or ImageStore(self.home)


@lru_cache(maxsize=4)
def _knowing(
    critic: "ClipCritic", own: "UserPictures", known: "Snapshot", calibration: "Calibration | None"
) -> "ClipCritic":
    """Return the critic that knows the own pictures, made once for as long as they stay as they are.

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


@lru_cache(maxsize=8)
def open_user_pictures(
    home: Path, chroma: str | None = None, model: str = "embedded", device: str = "auto"
) -> "UserPictures":
    """Return this process's one view of the own pictures of a data directory, as embedded by a model.

    Raises:
        UserError: no such model.
    """
    from imagerag.index.user import UserPictures

    return UserPictures(home, clip_model(model, device), chroma=chroma)


def check_libraries(names: Sequence[str]) -> None:
    """Refuse the name of a library that nothing has, before a run begins.

    Raises:
        UserError: naming it and those there are.
    """
    there = [*LIBRARIES, *installed("searches")]
    for name in names:
        if name not in there:
            raise UserError(f"library {name!r} is not known; give --library some of: {', '.join(there)}")


@lru_cache(maxsize=4)
def open_index(
    home: Path,
    chroma: str | None = None,
    models: tuple[str, ...] = ("embedded",),
    floor: float | None = None,
    diverse: float = 0.0,
    libraries: tuple[str, ...] = LIBRARIES,
    device: str = "auto",
) -> "CombinedIndex":
    """Return this process's one index of a data directory; Chroma wants no second client on the same files.

    Args:
        home, chroma: where it lies.
        models: that search the own pictures; several are fused.
        floor: similarity below which nothing is found; if not given, where each model was calibrated to let 5 % of the
            queries for what is not there through.
        diverse: see ``CombinedIndex``.
        libraries: what is searched: ``bundled``, ``own``, and names of installed search services.
        device: that other models than the embedded one compute on.

    Raises:
        UserError: no such model, or no such service.
    """
    from imagerag.index.bundled.chroma import ChromaIndex
    from imagerag.index.combined import CombinedIndex
    from imagerag.index.user import ModelEnsemble

    services: list[ReferenceIndex] = [make("searches", name, home) for name in libraries if name not in LIBRARIES]
    user: UserPictures | ModelEnsemble | None = None
    if "own" in libraries:
        views = [open_user_pictures(home, chroma, model, device) for model in models]
        user = views[0] if len(views) == 1 else ModelEnsemble(views)
    library = ChromaIndex(home, embedded_clip()) if "bundled" in libraries else None
    least: Floor = "calibrated" if floor is None else floor
    return CombinedIndex(library, user, least, diverse=diverse, services=services)

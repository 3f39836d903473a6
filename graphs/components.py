"""The engines of a graph: injected ones, or those the context names, made when first asked for."""

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool
from PIL import Image

from imagerag.agent.names import CLIP_OF
from imagerag.agent.protocols import Critic, Driver, ProgramDriver, Reranker, Writer
from imagerag.agent.registry import load_critic, load_driver, load_reference_reader, load_reranker, load_writer
from imagerag.chat_models.capabilities import takes_images
from imagerag.chat_models.run_memory import RunMemory
from imagerag.chat_models.structured import InvalidStructuredAnswer
from imagerag.chat_models.usage_meter import current_meter
from imagerag.credentials import without_credentials
from imagerag.embedders.concept_region import MARGINS, concept_region, grown
from imagerag.errors import UserError
from imagerag.generators.base import Generator, PlacesWeights
from imagerag.generators.isolation import Region, has_surroundings, isolation_for
from imagerag.generators.registry import FAST_FILE, load_generator
from imagerag.graphs.libraries import open_index, searchable_libraries, shown_libraries
from imagerag.index.base import ReferenceIndex
from imagerag.interruptible import load_interruptibly
from imagerag.licences import LicencePolicy
from imagerag.model_hub import Download, downloads_watched
from imagerag.profiles.downloads import bytes_of_chat_model, bytes_of_critic, bytes_of_generator, bytes_of_lookup
from imagerag.profiles.resolve import Given, RunSettings, resolve
from imagerag.provenance.signing import open_signer
from imagerag.settings import Settings, is_mcp_search
from imagerag.store.home import home_directory
from imagerag.store.images import ImageStore
from imagerag.tool_registry import FIND_FACTS
from imagerag.tools.session import Emit, current_session

if TYPE_CHECKING:
    from imagerag.agent.reference_reader import ReferenceReader
    from imagerag.embedders.clip import Embedder


@dataclass(frozen=True)
class InjectedComponents:
    """Parts given to ``build_graph``; ``None`` leaves the choice to the context."""

    chat_model: Driver | None = None
    critic: Critic | None = None
    writer: Writer | None = None
    generator: Generator | None = None
    index: ReferenceIndex | None = None
    store: ImageStore | None = None


LONGEST_WORDING = 200
"""Characters of a title that word a reference."""
Part = TypeVar("Part")


def _loaded(load: Callable[[], Part], emit: Emit | None = None, expected: int = 0) -> Part:
    """Load a part of a run, which a cancel, or the end of the time for loading, need not wait for.

    ``emit`` is told what is downloaded meanwhile, of ``expected`` bytes if that is known. None of it counts against the
    run's own time.
    """

    def report(download: Download) -> None:
        if emit is not None:
            total = max(download.total, download.done) if download.total or download.ended else 0
            done = total if download.ended else download.done
            emit({"event": "progress", "what": "loading", "done": done, "total": total, "text": download.text})

    with current_meter().loading() as check, downloads_watched(report, expected):
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
        if self.injected.store is None:  # before anything is drawn that can't be signed then
            open_signer(self.settings.c2pa_cert, self.settings.c2pa_key)

    def tell(self, text: str) -> None:
        """Tell a note, if anybody listens."""
        if self.emit is not None:
            self.emit({"event": "note", "text": text})

    @cached_property
    def home(self) -> Path:
        """The data directory, created if need be."""
        return home_directory(self.settings.home)

    @cached_property
    def driver(self) -> Driver:
        """The chat model, or the program, that decides."""
        if self.injected.chat_model is not None:
            return self.injected.chat_model
        settings = self.settings
        expected = bytes_of_chat_model(settings, settings.vlm)
        return _loaded(lambda: load_driver(settings.vlm, settings.device_settings), self.emit, expected)

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

        critic = self.critic if isinstance(self.critic, ClipCritic) else self._clip_or_vlm(self.settings.clip_critic)
        assert isinstance(critic, ClipCritic)
        return critic.nearest_captions(image)

    @cached_property
    def extra_tools(self) -> dict[str, BaseTool]:
        """The tools besides the usual ones, by name: of plugins, of mounted MCP servers, and the one that finds facts.

        Raises:
            UserError: a server or a name is of no use, or a program decides, which calls no other tools than ours.
        """
        settings = self.settings
        asking = {} if self.facts is None else {FIND_FACTS: self.facts}
        mounted = bool(settings.mcp_server or settings.mcp_allow)
        if not settings.mcp_allow and any(map(is_mcp_search, (*settings.library, *(settings.facts or ())))):
            mounted = False  # they are searched, and nothing of them is offered
        if mounted and settings.offline:
            for server in settings.mcp_server:
                self.tell(f"mcp_server {without_credentials(server)!r} is not asked: --offline")
            mounted = False
        if self.program is not None:
            if mounted:
                raise UserError(
                    f"vlm {settings.vlm!r} decides by rules, which call no tools of --mcp-server; name a chat model "
                    "with --vlm, or leave --mcp-server out"
                )
            return asking
        from imagerag.tools.plugin_tools import load_plugin_tools

        tools = load_plugin_tools(current_session)
        if mounted:
            from imagerag.tools.mcp_tools import mount

            taken = frozenset(tool.name for tool in tools)
            tools += mount(settings.mcp_server, settings.mcp_allow, current_session, taken)
        return {**{tool.name: tool for tool in tools}, **asking}

    @cached_property
    def facts(self) -> BaseTool | None:
        """The tool that asks encyclopedias, where the settings name one; what is not asked is told."""
        names = self.settings.facts
        if not names:
            return None
        if self.settings.offline:
            for name in names:
                self.tell(f"web source {name!r} is not asked: --offline")
            return None
        from imagerag.index.web.facts import open_facts
        from imagerag.tools.facts import make_facts_tool
        from imagerag.tools.mcp_facts import McpFacts

        servers, allowed = self.settings.mcp_server, self.settings.mcp_allow
        mounted = tuple(McpFacts(name, servers, allowed) for name in names if is_mcp_search(name))
        built_in = [name for name in names if not is_mcp_search(name)]
        return make_facts_tool(open_facts(built_in, self.home, mounted))

    @cached_property
    def critic(self) -> Critic:
        """The critic that judges; a CLIP model knows the person's own pictures by their captions."""
        if self.injected.critic is not None:
            return self.injected.critic
        from imagerag.agent.vlm_critic import VlmCritic

        critic = self._clip_or_vlm(self.settings.critic)
        if isinstance(critic, VlmCritic):
            return critic.standing_in(lambda: self._clip_or_vlm(self.settings.clip_critic))
        return critic

    def _clip_or_vlm(self, name: str) -> Critic:
        """Load a critic; one that judges by CLIP is shown the person's own pictures."""
        from imagerag.agent.clip_critic import ClipCritic

        settings = self.settings
        expected = bytes_of_critic(settings, name)
        critic = _loaded(lambda: load_critic(name, settings.device_settings), self.emit, expected)
        if self.injected.index is None and isinstance(critic, ClipCritic):
            shown = critic
            critic = _loaded(
                lambda: shown_libraries(
                    shown, self.home, settings.chroma, self.searchable[0], settings.device_settings, settings.makes
                ),
                self.emit,
            )
        if isinstance(critic, ClipCritic):
            judge = critic
            _loaded(judge.prepare, self.emit)
        return critic

    @cached_property
    def writer(self) -> Writer:
        """The writer of captions and rephrased prompts."""
        if self.injected.writer is not None:
            return self.injected.writer
        settings = self.settings
        return _loaded(
            lambda: load_writer(settings.vlm, settings.device_settings, settings.wording),
            self.emit,
            bytes_of_chat_model(settings, settings.vlm),
        )

    @cached_property
    def rules(self) -> Writer:
        """The writer that goes by rule, which asks no model."""
        return load_writer("rules", None, self.settings.wording)

    @cached_property
    def generator(self) -> Generator:
        """The generator that draws."""
        if self.injected.generator is not None:
            return self.injected.generator
        settings = self.settings
        fast = self.home / FAST_FILE if settings.fast else None
        named = settings.generator, settings.device_settings, settings.lora, fast

        def load() -> Generator:
            generator = load_generator(*named)
            if isinstance(generator, PlacesWeights):
                # A look-up that comes first need not wait for weights that nothing is drawn from yet.
                generator.begin_placing() if settings.mode == "lookup_first" else generator.place()
            return generator

        return _loaded(load, self.emit, bytes_of_generator(settings))

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
                settings.device_settings,
                settings.licence_policy,
                settings.sensitive_results,
                settings.mcp_server,
                settings.mcp_allow,
            ),
            emit,
            bytes_of_lookup(settings),
        )
        _loaded(index.prepare, emit)
        if index.library is not None:
            index.library.progress = partial(_built, emit)
        if emit is not None and index.library is not None:
            index.library.on_wait = lambda text: emit({"event": "note", "text": text})
        return index

    @cached_property
    def searchable(self) -> tuple[tuple[str, ...], list[str]]:
        """The libraries that can be searched, and what to tell of those that can't; see ``searchable_libraries``."""
        settings = self.settings
        # A critic by a CLIP model is calibrated on these libraries: where there are none, it tells what to add itself.
        told_by_critic = self.injected.critic is None and settings.critic.startswith(CLIP_OF)
        return searchable_libraries(
            self.home,
            settings.library,
            settings.lookup_models,
            settings.names("library"),
            settings.makes,
            tell_empty=not told_by_critic,
            offline=settings.offline,
        )

    @cached_property
    def reranker(self) -> Reranker | None:
        """What puts references in a better order, if anything."""
        settings = self.settings
        names = settings.rerank, settings.vlm, settings.critic
        return _loaded(
            lambda: load_reranker(*names, self._lookup_clip, settings.device_settings),
            self.emit,
            max(bytes_of_chat_model(settings, name) for name in (settings.vlm, settings.critic)),
        )

    def _lookup_clip(self) -> "Embedder":
        """Return the first of the CLIP models that look things up."""
        from imagerag.embedders.registry import clip_model

        settings = self.settings
        return _loaded(
            lambda: clip_model(settings.lookup_models[0], settings.device_settings),
            self.emit,
            bytes_of_lookup(settings),
        )

    def region(self, image: Image.Image, concept: str) -> Region | None:
        """Return the part of a reference that is drawn with; ``None`` for all of it.

        It is looked for where that is asked for, or measured best for the generator, and the picture has surroundings.
        """
        how = isolation_for(self.generator, self.settings.isolation)
        if how not in MARGINS or not concept.strip() or not has_surroundings(image):
            return None
        if self.reference_reader is None:
            box = concept_region(image, concept, self._lookup_clip())
            return None if box is None else Region(grown(box, image.size, MARGINS[how]), how == "cut", how == "mask")
        try:
            box = self.reference_reader.box(image, concept)
        except InvalidStructuredAnswer as error:
            self.tell(f"{error}; {concept!r} is looked for by CLIP")
            box = concept_region(image, concept, self._lookup_clip())
        return None if box is None else Region(box, how == "cut", how == "mask")

    def wording(self, image: Image.Image, concept: str, title: str) -> str | None:
        """Return what is said of a reference in the prompt instead of showing it; ``None`` where it is shown.

        By its title, unless a model that takes images is asked for it.
        """
        if isolation_for(self.generator, self.settings.isolation) != "words":
            return None
        if self.reference_reader is not None:
            try:
                return self.reference_reader.words(image, concept)
            except InvalidStructuredAnswer as error:
                self.tell(f"{error}; {concept!r} is worded by the title of its reference")
        return " ".join(title.split())[:LONGEST_WORDING]

    @cached_property
    def reference_reader(self) -> "ReferenceReader | None":
        """The model that is asked where in a reference a concept is and what it looks like, if the settings name it."""
        if self.settings.isolation_by != "vlm":
            return None
        settings = self.settings
        return _loaded(
            lambda: load_reference_reader(settings.vlm, settings.critic, settings.device_settings), self.emit
        )

    @property
    def licences(self) -> LicencePolicy:
        """Which licences of other people's pictures are drawn with."""
        return self.settings.licence_policy

    @cached_property
    def store(self) -> ImageStore:
        """The image store, which signs where a certificate is configured."""
        settings = self.settings
        return self.injected.store or ImageStore(self.home, open_signer(settings.c2pa_cert, settings.c2pa_key))

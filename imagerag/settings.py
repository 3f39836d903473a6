"""The settings of a run: one frozen object, parsed once at the edge.

The same names serve everywhere: a field here, ``--max-steps`` on the command line, ``IMAGERAG_MAX_STEPS`` in the
environment, ``max_steps`` in the settings file. Precedence: flag, environment, file, default. Each field is declared
once; checks, parsing, flags, ``--help`` and ``docs/settings.md`` follow from that (``imagerag.declaration``). All of
them stand in this one file, which makes it longer than others.
"""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagerag.declaration import check_settings, declared_settings, same_setting, setting
from imagerag.device_settings import DeviceSettings, Memory
from imagerag.errors import UserError
from imagerag.file_name import checked_file_name
from imagerag.licences import LicencePolicy
from imagerag.lora import LoraName
from imagerag.modes import ISOLATION_BY, ISOLATIONS, MODES, Isolation, IsolationBy, Mode
from imagerag.picture_size import PictureSize
from imagerag.table_faults import meant
from imagerag.told_text import told_value
from imagerag.toml_files import read_toml

if TYPE_CHECKING:
    Flag = threading.Event
else:
    # LangGraph's server makes a form of this class, and no JSON stands for an event.
    Flag = Any

LIBRARIES = ("bundled", "own")
"""The libraries that are always there."""
FACTS = ("wikipedia", "wikidata")
"""The encyclopedias that ``facts`` can name."""
MCP = "mcp"
"""Names, in ``library`` and ``facts``, the search of a mounted MCP server; ``mcp:NAME`` that tool, or that server's."""
RERANKERS = ("none", "vlm", "subject")
LONGEST_NEGATIVE = 4000
"""Characters, as of a prompt."""


OFFERED = ("profile", "generator", "critic")
"""What of a run's parts a server can let its clients choose."""


def offered_part(text: str) -> tuple[str, str]:
    """Return kind and name of an offered part, ``KIND=NAME``.

    Raises:
        UserError: it is not of that form.
    """
    kind, _, name = (part.strip() for part in text.partition("="))
    if kind not in OFFERED or not name:
        raise UserError(f"offer {text!r} is no KIND=NAME; give --offer one with a KIND of: {', '.join(OFFERED)}")
    return kind, name


def _by_profile(pictograms: str) -> str:
    """Return what the documentation says of a default that the profile sets."""
    return f"the profile's; of pictograms {pictograms}"


def is_mcp_search(name: str) -> bool:
    """Tell whether a name in ``library`` or ``facts`` is that of a search of a mounted MCP server."""
    return name == MCP or (name.startswith(f"{MCP}:") and len(name) > len(MCP) + 1)


@dataclass(frozen=True)
class Settings:
    """The settings of one run, as they are asked for; what is ``None`` is left to the profile.

    ``imagerag.profiles.resolve`` returns them with nothing left open.
    """

    profile: str | None = setting(
        None,
        help="profile whose parts go together: pictograms, local, cloud, comfyui, or one of your own",
        details="It sets whatever is not set by itself. `imagerag profiles` lists them with what each needs, and "
        "`imagerag profiles show` tells where each value comes from.",
        default_text="the one that fits the generator",
        reserved="part",
        common=True,
    )
    generator: str | None = setting(
        None,
        help="image generator",
        details="`patchwork` is embedded and needs no download; the presets and the prefixes `diffusers:`, `comfyui:`, "
        "`openai:`, `google_genai:`, `bfl:`, `fal:`, `replicate:`, `together:`, `stability:` and `recraft:` name "
        "others. Choosing one alone chooses the profile that fits it.",
        default_text=_by_profile("patchwork"),
        reserved="part",
        common=True,
    )
    lora: tuple[str, ...] = setting(
        (),
        help="LoRA weights for a local diffusion model: a file, OWNER/NAME or OWNER/NAME/FILE, with a weight if any",
        details="Only safetensors are loaded. `--lora style.safetensors:0.8` counts at 0.8; the usual weight is 1.",
        metavar="NAME[:WEIGHT]",
        separator=",",
        reserved="own",
    )
    device: str = same_setting(DeviceSettings, "device")
    dtype: str = same_setting(DeviceSettings, "dtype")
    memory: Memory = same_setting(DeviceSettings, "memory")
    vlm_memory: Memory | None = same_setting(DeviceSettings, "vlm_memory")
    vlm: str | None = setting(
        None,
        help="chat model that decides the next step; rules is a rule-based policy, no VLM",
        details="Such as `openai:gpt-6.1-sol`, `openai:MODEL@http://HOST/v1`, `transformers:MODEL` or `replay:FILE`.",
        default_text=_by_profile("rules"),
        reserved="part",
        common=True,
    )
    vlm_text_only: bool = setting(
        False,
        help="treat the chat model as one that takes no images, and describe them to it in words",
        details="Needed only where neither the model's profile nor its server tells.",
        default_text="as its profile or server tells",
    )
    image_size: int | None = setting(
        None,
        help="longer side in pixels of images sent to models",
        metavar="N",
        low=16,
        high=8192,
        default_text="what each takes",
    )
    critic: str | None = setting(
        None,
        help="critic that judges every image",
        details="`clip` is embedded and judges pictograms alone; `clip:MODEL` is any CLIP model, named as for "
        "`--lookup-model`; a chat model's name makes that model the critic.",
        default_text=_by_profile("clip"),
        reserved="part",
    )
    mode: Mode = setting(
        "auto",
        help="when references are looked up",
        details="`auto` draws first and looks up what is missing; `lookup_first` looks every concept up before it "
        "draws (the paper's generation mode); `rephrase_only` rewrites the prompt and looks nothing up (the paper's "
        "control); `no_lookup` draws again with other seeds.",
        metavar="MODE",
        group="lookup",
        choices=MODES,
        common=True,
    )
    seed: int | None = setting(
        None,
        help="seed of the first candidate",
        details="A random one is recorded with the image.",
        metavar="N",
        group="image",
        low=0,
        high=2**32 - 1,
        default_text="random",
        common=True,
    )
    size: str | None = setting(
        None,
        help="size of the image in pixels",
        details="It is drawn at the nearest size that the model was trained for, and scaled; where it had to be "
        "cropped, a note says so. A follow-up keeps the size of the turn before.",
        metavar="WIDTHxHEIGHT",
        group="image",
        default_text="the model's own",
        common=True,
    )
    aspect: str | None = setting(
        None,
        help="aspect ratio of the image, in place of --size",
        details="It is drawn at the model's own nearest size.",
        metavar="W:H",
        group="image",
        default_text="the model's own",
    )
    negative: str | None = setting(
        None,
        help="what the image must not show, separated by commas",
        details="Generators with a negative prompt get it, and a note tells of those that have none; the critic judges "
        "the things in it as absent. A follow-up keeps that of the turn before; empty, it is dropped.",
        metavar="TEXT",
        group="image",
    )
    n: int = setting(
        1,
        help="candidates per generation, of which the critic picks one",
        metavar="N",
        group="image",
        low=1,
        high=16,
        common=True,
    )
    batch: bool = setting(
        False,
        help="draw the candidates of one generation at once, where the generator can",
        details="Faster on a GPU with memory to spare. Their pixels may differ from those drawn one after the other; "
        "each image says with which seeds it was drawn, and `imagerag replay` draws them all again.",
        group="image",
    )
    fast: bool = setting(
        False,
        help="draw faster and less exactly, with what diffusers offers for the model",
        details="A cache of denoising steps, compiled blocks, another order in memory, 8-bit attention, each where the "
        "model and the device allow it; `imagerag models` lists it. The first time on a machine the same picture is "
        "also drawn without, and the measured gain in speed and difference in the picture are told and kept.",
        group="image",
        reserved="part",
    )
    subject: tuple[str, ...] = setting(
        (),
        help="image of your own subject to draw with",
        metavar="FILE",
        group="image",
        separator=os.pathsep,
        reserved="place",
        common=True,
    )
    mask: str | None = setting(
        None,
        help="file that marks where to redraw, white or transparent: the first --subject, or the thread's image",
        details="Only what it marks changes: every other pixel stays as it is. What is asked for is what the marked "
        "part shows then, or a change of the whole. For generators that can redraw a part: the embedded one, diffusion "
        "models with an inpainting pipeline, and OpenAI's images API.",
        metavar="FILE",
        group="image",
        reserved="place",
    )
    max_steps: int | None = setting(
        None,
        help="decisions of the chat model",
        metavar="N",
        group="limits",
        low=1,
        high=1000,
        default_text=_by_profile("24"),
        common=True,
    )
    max_generations: int | None = setting(
        None,
        help="batches drawn",
        details="Each counts once, whatever `n` is.",
        metavar="N",
        group="limits",
        low=1,
        high=1000,
        default_text=_by_profile("5"),
        common=True,
    )
    max_seconds: float | None = setting(
        None,
        help="duration of the run in seconds, without the loading of models",
        metavar="S",
        group="limits",
        above=0,
        default_text=_by_profile("120"),
        common=True,
    )
    max_loading_seconds: float | None = setting(
        None,
        help="duration of downloading and loading models in seconds",
        details="It counts against no run's `max_seconds`.",
        metavar="S",
        group="limits",
        above=0,
        default_text=_by_profile("600"),
    )
    max_tokens: int | None = setting(
        None,
        help="tokens of all models, input and output together",
        metavar="N",
        group="limits",
        low=0,
        default_text="no limit",
    )
    max_money: float | None = setting(
        None,
        help="cost in US dollars, where prices are known",
        details="`IMAGERAG_PRICES` names a file of your own prices.",
        metavar="USD",
        group="limits",
        low=0,
        default_text="no limit",
    )
    thread: str | None = setting(
        None,
        help="conversation to begin or to continue",
        details="Programs give `thread_id` in the config instead.",
        group="image",
        default_text="a new one",
        common=True,
    )
    out: str | None = setting(
        None,
        help="folder that receives a copy of every image of the run, under readable names",
        details="Without it the command line copies the best image alone, to the current folder; `--no-copy` leaves "
        "that.",
        metavar="DIR",
        group="output",
        default_text="none; of the command line the current folder",
        reserved="place",
        common=True,
    )
    file_name: str | None = setting(
        None,
        alias="--name",
        help="name of the files that receive the images, without their ending",
        details="Where a file has that name already, a number follows it: none is written over.",
        group="output",
        default_text="the prompt's words",
        reserved="place",
        common=True,
    )
    library: tuple[str, ...] | None = setting(
        None,
        help="where references are looked up: bundled, own, a library of your own by its name, a search service, or a "
        "web source such as openverse",
        details="`bundled` is the library of pictograms, `own` your own pictures, other names those that "
        "`imagerag index add --library NAME` has made; `imagerag plugins` lists services. Web sources are `openverse`, "
        "`commons`, `met`, `cleveland`, `inaturalist`, those of a file of yours, and `mcp` or `mcp:TOOL`, the image "
        "search of an `--mcp-server`; they are asked only for what the others lack.",
        metavar="NAME,...",
        group="lookup",
        separator=",",
        default_text=_by_profile("bundled,own"),
        reserved="own",
    )
    licences: tuple[str, ...] = setting(
        (),
        help="licences of other people's pictures that are drawn with: cc0, pdm, by, by-sa, by-nc and others, or any",
        details="Identifiers such as `CC-BY-4.0` name one version; `unknown` allows pictures that nobody has said "
        "anything about. Your own pictures need none, unless one was recorded with them.",
        metavar="NAME,...",
        group="lookup",
        separator=",",
        default_text="those that allow changes and commercial use",
        reserved="own",
    )
    offline: bool = setting(
        False,
        help="ask no web source of references or facts, whatever --library and --facts name",
        details="A note says so. Nor are mounted MCP servers and search services of packages. Models and generators of "
        "other servers are asked nevertheless: name none. `imagerag "
        "doctor` asks neither the hub nor any provider or server then.",
        group="lookup",
        reserved="own",
    )
    facts: tuple[str, ...] | None = setting(
        None,
        help="encyclopedias that are asked what a missing concept is, if that is a fact: wikipedia, wikidata, mcp",
        details='As in "the mascot of the 2026 Winter Olympics". What is sent is that concept alone; see [facts]'
        "(web-references.md#facts). `mcp`, or `mcp:TOOL`, is the text search of an `--mcp-server`. `--offline` asks "
        "none.",
        metavar="NAME,...",
        group="lookup",
        separator=",",
        default_text="none, unless a profile of yours names one",
        reserved="own",
    )
    sensitive_results: bool = setting(
        False,
        help="let web sources answer also with what they mark as sensitive",
        details="Without it they are asked for safe results, where they know of such a thing.",
        group="lookup",
        reserved="own",
    )
    lookup_model: str | None = setting(
        None,
        help="CLIP model that searches your own pictures, or several separated by commas",
        details="Named as for `imagerag index add`. The ranks of several, and of the full-text search in "
        "captions, are fused.",
        group="lookup",
        default_text=_by_profile("embedded"),
        reserved="part",
    )
    lookup_floor: float | None = setting(
        None,
        help="similarity (cosine) below which a picture is not taken as a reference",
        details="The default is fitted for each model on the library itself: 5 % of the queries for what is not "
        "there find something; see `imagerag index calibrate`.",
        metavar="X",
        group="lookup",
        default_text="calibrated",
    )
    lookup_diverse: float = setting(
        0.0,
        help="how different from each other the pictures are that a library finds",
        details="0 is off; 0.5 is a good beginning.",
        metavar="X",
        group="lookup",
        low=0,
        high=1,
    )
    rerank: str = setting(
        "none",
        help="what reorders the references found",
        details="`vlm` is the model that judges or decides, which looks at twice as many as are wanted; `subject` is "
        "the similarity to your own subject images.",
        metavar="HOW",
        group="lookup",
        choices=RERANKERS,
    )
    isolation: Isolation | None = setting(
        None,
        help="how references are freed of their surroundings: none, crop (to the concept), cut (the thing alone), mask "
        "(all else see-through), or words (said instead of shown)",
        details="The place is told, and the manifest has it. `cut` needs the extra `cut`. `words` puts what is said of "
        "a reference into the prompt and shows the generator none. Your own subjects stay whole, and so do pictures on "
        "a plain or transparent ground, except with `words`. For other generators than the embedded one the effect is "
        "not measured.",
        metavar="HOW",
        group="lookup",
        choices=ISOLATIONS,
        default_text="for patchwork cut, or crop without its library; for others none",
    )
    isolation_by: IsolationBy = setting(
        "clip",
        help="who tells for --isolation where in a reference the concept is, and for words what it looks like",
        details="`clip` is the CLIP of `--lookup-model`, and for `words` the titles of references; `vlm` the model "
        "that judges or decides, if it takes images. What a model's word is worth there is not measured.",
        metavar="HOW",
        group="lookup",
        choices=ISOLATION_BY,
    )
    chroma: str | None = setting(
        None,
        help="Chroma server that holds the search index of your own pictures",
        metavar="URL",
        group="places",
        default_text="a folder in --home",
        reserved="place",
    )
    record: str | None = setting(
        None,
        help="new file that receives every exchange with a model",
        details="`--vlm replay:FILE` replays them.",
        metavar="FILE",
        group="places",
        reserved="place",
    )
    home: str | None = setting(
        None,
        help="data directory",
        metavar="DIR",
        group="places",
        default_text="the platform's folder for user data",
        reserved="place",
    )
    keep_days: float | None = setting(
        None,
        help="days for which servers keep a conversation that nobody goes on with",
        details="With it goes what only it refers to, when a server starts and once a day, and by `imagerag gc --yes`. "
        "Other commands and programs remove nothing.",
        metavar="DAYS",
        group="upkeep",
        above=0,
        default_text="no limit",
        reserved="own",
    )
    offer: tuple[str, ...] = setting(
        (),
        help="part that clients of a server may choose, such as profile=cloud, generator=sdxl or critic=clip",
        details="Each client chooses for its own conversations: on the page, by OpenAI's API or by MCP. What the "
        "server was started with is always among the choices. A part that can't be used here is refused as it starts.",
        metavar="KIND=NAME",
        group="clients",
        separator=",",
        default_text="none: all clients draw with what the server was started with",
        reserved="own",
    )
    c2pa_cert: str | None = setting(
        None,
        help="certificate by which every image is signed, as C2PA has it: a PEM file, with those that issued it",
        details="Goes with `--c2pa-key`; see `docs/provenance.md`. `imagerag inspect` verifies.",
        metavar="FILE",
        group="output",
        default_text="none; images are not signed",
        reserved="place",
    )
    c2pa_key: str | None = setting(
        None,
        help="private key of --c2pa-cert: a PEM file, without a password",
        metavar="FILE",
        group="output",
        default_text="none",
        reserved="place",
    )
    mcp_server: tuple[str, ...] = setting(
        (),
        help="MCP server whose tools the chat model may call: 'COMMAND ARGS' or an http(s) address",
        details="`--library mcp` looks references up by its image search. The token of an address is taken from the "
        "variable `IMAGERAG_MCP_TOKEN_HOST_PORT`.",
        metavar="SERVER",
        separator="\n",
        reserved="own",
    )
    mcp_allow: tuple[str, ...] = setting(
        (),
        help="names of the tools of --mcp-server that are offered; no others are",
        metavar="NAME,...",
        separator=",",
        reserved="own",
    )
    approve: bool = setting(
        False,
        help="stop before each redraw at an interrupt until a person has approved its references",
        details="For programs and servers that can answer, see `imagerag.graphs.approval`.",
        group="image",
        program_only=True,
    )
    origins: tuple[tuple[str, str], ...] = setting(
        (),
        compare=False,
        help="where load_settings took each value from, as pairs of a name and words such as 'flag --seed'",
        program_only=True,
    )
    cancel: "Flag | None" = setting(
        None,
        help="event that stops the run between two denoising steps; set it from any thread",
        group="limits",
        program_only=True,
    )

    def __post_init__(self) -> None:
        """Refuse values outside what their fields declare, and those that contradict each other.

        Raises:
            UserError: naming the value, what is valid, and the flag that sets it.
        """
        check_settings(self)
        if self.size is not None and self.aspect is not None:
            raise UserError(f"size {self.size!r} has an aspect ratio of its own; leave out --size or --aspect")
        for text, read in ((self.size, PictureSize.size), (self.aspect, PictureSize.aspect)):
            if text is not None:
                read(text)
        for text in self.lora:
            LoraName.parse(text)
        for text in self.offer:
            offered_part(text)
        if self.negative is not None and len(self.negative) > LONGEST_NEGATIVE:
            raise UserError(f"negative has {len(self.negative)} characters; give --negative at most {LONGEST_NEGATIVE}")
        if self.file_name is not None:
            object.__setattr__(self, "file_name", checked_file_name(self.file_name))
        LicencePolicy(self.licences)
        for source in self.facts or ():
            if source not in FACTS and not is_mcp_search(source):
                raise UserError(
                    f"facts {source!r} is not known; give --facts one or more of: {', '.join(FACTS)}, {MCP}"
                )
        for name in ("library", "facts", "offer", "mcp_server"):  # what is named twice is searched, or started, once
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, tuple(dict.fromkeys(given)))
        if self.vlm_text_only and self.critic is not None and self.critic == self.vlm:
            raise UserError(
                f"critic {self.critic!r} takes no images (--vlm-text-only), so it can't judge; leave --critic out, "
                "then CLIP judges, or name a model that takes images"
            )
        if self.library is not None and not self.library:
            raise UserError(
                "library names nothing to look up in; give --library bundled, own, or both, or leave it out"
            )
        if self.lookup_model is not None and not self.lookup_models:
            raise UserError(f"lookup_model {self.lookup_model!r} names no model; leave --lookup-model out, or name one")

    @property
    def lookup_models(self) -> tuple[str, ...]:
        """The models of ``lookup_model``."""
        return tuple(dict.fromkeys(name.strip() for name in (self.lookup_model or "").split(",") if name.strip()))

    @property
    def licence_policy(self) -> LicencePolicy:
        """Which licences are drawn with."""
        return LicencePolicy(self.licences)

    @property
    def picture_size(self) -> PictureSize | None:
        """The size or the aspect ratio of images; ``None`` leaves it to the generator."""
        if self.size is not None:
            return PictureSize.size(self.size)
        return PictureSize.aspect(self.aspect) if self.aspect is not None else None

    @property
    def device_settings(self) -> DeviceSettings:
        """How models that run here hold their weights."""
        return DeviceSettings(self.device, self.dtype, self.memory, self.vlm_memory)


DECLARED = {name: declared for name, declared in declared_settings(Settings).items() if not declared.program_only}
"""The declarations of the settings that have a flag, a variable and a file key."""
SETTINGS = tuple(DECLARED)


def load_settings(
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """Merge flags, environment, settings file and defaults.

    Args:
        flags: values by field name; ``None`` values count as not given.
        environ: ``os.environ`` unless given; the variables and the separators of lists are those declared.
        file: TOML with the same names at top level; must exist when given.

    Raises:
        UserError: an unknown name in the file, or a value of the wrong type or range; it names where it came from.
    """
    environ = os.environ if environ is None else environ
    given = _from_file(file) if file is not None else {}
    origins = dict.fromkeys(given, f"settings file {str(file)!r}")
    for name, declared in DECLARED.items():
        text = environ.get(declared.variable)
        if text:
            given[name] = declared.parse(text, declared.variable)
            origins[name] = f"variable {declared.variable}"
    asked = {name: value for name, value in (flags or {}).items() if value is not None}
    for name, other in (("size", "aspect"), ("aspect", "size")):
        if name in asked:  # which says the same in another way
            given.pop(other, None)
            origins.pop(other, None)
    for name, value in asked.items():
        given[name] = value
        origins[name] = f"flag {DECLARED[name].flag}"
    return replace(Settings(), **given, origins=tuple(origins.items()))


def without_server_paths(settings: Settings, environ: Mapping[str, str] | None = None) -> Settings:
    """Return a client's settings with the server's own places in them.

    Raises:
        UserError: it chooses what is declared as reserved, such as a file or a folder: those are this machine's.
    """
    own = load_settings(environ=environ)
    replaced: dict[str, Any] = {}
    for name, declared in DECLARED.items():
        if declared.reserved is None:
            continue
        value, kept = getattr(settings, name), getattr(own, name)
        value = tuple(value or ()) if declared.kind is tuple else value
        if declared.reserved == "part":
            # Names may hold addresses and files of the server, or load gigabytes there.
            allowed = value in (kept, declared.default)
            if value is None:
                replaced[name] = kept
        else:
            allowed = not value or value == kept
            replaced[name] = kept
        if not allowed:
            place = declared.reserved == "place"
            why = "a place on the server, which clients can't choose" if place else "chosen by whoever runs this server"
            raise UserError(f"{name} {value!r} is {why}{'' if place else ', not by its clients'}; leave it out")
    return replace(settings, **replaced)


def _from_file(file: Path) -> dict[str, Any]:

    try:
        table = read_toml(file)
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(
            f"settings file {str(file)!r} can't be read ({error}); mend it or leave --config out"
        ) from error
    unknown = sorted(set(table) - set(SETTINGS))
    if unknown:
        raise UserError(
            f"settings file {str(file)!r} has unknown name {told_value(unknown[0])}; {meant(unknown[0], SETTINGS)}"
        )
    return {name: DECLARED[name].parse(value, f"{name} in {str(file)!r}") for name, value in table.items()}

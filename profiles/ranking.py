"""Which of a profile's ranked models this machine draws with: the best generator that fits, and the best VLM beside it.

Generators are tried in the order of the ranking: those that take references before those that don't, and of either
those whose weights are here already before those that would have to be downloaded. Each is tried beside every VLM
before the next one is; where none fits beside any VLM they are tried alone, with rules in its place. Those that take no
references come after all of that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from imagerag.device_settings import DeviceSettings, Memory
from imagerag.generators.diffusion.known import known_preset
from imagerag.generators.diffusion.operations import operations
from imagerag.generators.diffusion.preset_files import is_here
from imagerag.generators.diffusion.presets import Preset
from imagerag.generators.diffusion.weight_sizes import QUANTISED, WORKING_BYTES, device_bytes, host_bytes
from imagerag.model_files import ModelFiles, parameters_here, snapshot
from imagerag.profiles.loading import Choice, Profile, Ranked, RankedVlm
from imagerag.profiles.machine import Kind, Machine

MOST_OPERATIONS: Mapping[Kind, float] = {"cpu": 2e14, "mps": 2e15}
"""Of one image, by estimate, above which a generator is too slow there to be chosen. A desktop's CPU that reaches 0.2
of 10^12 operations a second computes 2e14 in 17 minutes. Apple's M1, whose GPU does 2.6 * 10^12 in single precision at
best, computes 2e15 in 13 minutes or more; its largest successors in a few."""

RULES = RankedVlm(vlm="rules", weights=0.0, memory=("full", "offload", "4bit"))
"""What decides where no VLM fits."""

LOCAL = "transformers:"
NOT_HERE = "are not here"
"""How it is told that weights would have to be downloaded."""
NO_4BIT = "for 4 bits bitsandbytes lacks"
"""How it is told that less memory would do with another library."""
NO_GPU = "no GPU"
"""How it is told that models compute on the CPU."""
MEGAPIXEL = 2**20
"""Pixels of the image that ``WORKING_BYTES`` are for."""


@dataclass(frozen=True)
class Fit:
    """How one generator and one VLM fit into a machine's memory.

    Attributes:
        mode: how they are held; ``None`` where they don't fit in any mode.
        needed: bytes of the device's memory, in that mode or in the one that needs least.
    """

    mode: Memory | None
    needed: float


@dataclass(frozen=True)
class Taken:
    """What was taken of a ranking.

    Attributes:
        choice: generator and VLM.
        memory: how they are held; ``None`` leaves that to the loading.
        why: in words.
        better: what goes before it in the ranking and was not taken, the next one of each kind, with the reason.
    """

    choice: Choice
    memory: Memory | None
    why: str
    better: tuple[str, ...]


@dataclass
class Ranking:
    """A profile's ranking on one machine.

    Args:
        profile: whose.
        generator, vlm: those that are named instead, if any.
        device: as asked for.
        machine: the one that it is for.
    """

    profile: Profile
    generator: str | None
    vlm: str | None
    device: DeviceSettings
    machine: Machine
    _presets: dict[str, Preset | None] = field(default_factory=dict)
    _here: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Count what the profile itself names as named."""
        self.generator = self.generator or self.profile.generator
        self.vlm = self.vlm or self.profile.vlm

    def taken(self) -> Taken | None:
        """Return the first that fits; ``None`` if none does."""
        vlms = [] if self.machine.kind == "cpu" and self.vlm is None else self.vlms()
        rows = [row for row in self.in_order() if not self.refused(row)]
        for takes_references in (True, False):
            for beside in (vlms, [] if self.vlm is not None else [RULES]):
                for row in rows:
                    if self._takes_references(row) != takes_references:
                        continue
                    for vlm in self._worth(row, beside):
                        if (fit := self.fit(row, vlm)).mode is not None:
                            return self._taken(row, vlm, fit)
        return None

    def nearest(self) -> str:
        """Return, where nothing fits, what comes nearest to it, in words."""
        alone = [(row, self.fit(row, RULES)) for row in self.rows() if not self.refused(row)]
        row, fit = min(alone, key=lambda pair: pair[1].needed)
        return self.in_words(row, RULES, fit)

    def rows(self) -> Sequence[Ranked]:
        """Return the generators, best first; the one that is named alone."""
        return (Ranked(generator=self.generator),) if self.generator is not None else self.profile.ranking

    def vlms(self) -> list[RankedVlm]:
        """Return the VLMs in the order in which they are tried, those that are here first; the one named alone."""
        if self.vlm is None:
            return sorted(self.profile.vlms, key=lambda row: not self._is_vlm_here(row.vlm))
        rows = [row for row in self.profile.vlms if row.vlm == self.vlm]
        weights = 0.0 if rows or not self.vlm.startswith(LOCAL) else parameters_here(self.vlm.removeprefix(LOCAL))
        known = max(rows, key=lambda row: row.unquantised, default=RankedVlm(vlm=self.vlm, weights=weights))
        return [known.model_copy(update={"memory": RULES.memory})]

    def in_order(self) -> list[Ranked]:
        """Return the generators in the order in which they are tried: those that are here first."""
        return sorted(self.rows(), key=lambda row: not self.is_here(row))

    def is_here(self, row: Ranked) -> bool:
        """Tell whether nothing of a generator would have to be downloaded."""
        if row.generator not in self._here:
            preset = self.preset(row)
            self._here[row.generator] = preset is not None and is_here(preset)
        return self._here[row.generator]

    def _is_vlm_here(self, vlm: str) -> bool:
        if vlm not in self._here:
            folder = snapshot(vlm.removeprefix(LOCAL), None)
            self._here[vlm] = folder is not None and not ModelFiles(texts=True).lacking(folder)
        return self._here[vlm]

    def preset(self, row: Ranked) -> Preset | None:
        """Return how a generator is asked; ``None`` of those that no preset is known of."""
        if row.generator not in self._presets:
            self._presets[row.generator] = known_preset(row.generator)
        return self._presets[row.generator]

    def refused(self, row: Ranked) -> str:
        """Return why a generator is not taken on this machine whatever its memory; empty if nothing is amiss."""
        if row.if_here and not self.is_here(row):
            return f"{row.generator}: its weights are not here, and its licence has to be accepted first"
        most, preset = MOST_OPERATIONS.get(self.machine.kind), self.preset(row)
        if most is not None and self.generator is None and preset is not None and (operations(preset) or 0.0) > most:
            return f"{row.generator} takes too long on {self.machine.name}"
        return ""

    def fit(self, row: Ranked, vlm: RankedVlm) -> Fit:
        """Return in which mode a generator and a VLM fit beside each other and the CLIP model, the fastest first."""
        if self.device.memory not in ("auto", "full", "offload", "4bit"):  # one layer at a time fits always
            return Fit(self.device.memory, 0.0)
        asked = self.machine.modes if self.device.memory == "auto" else (self.device.memory,)
        modes = [mode for mode in asked if self.device.memory != "auto" or mode in row.memory]
        if self.device.memory == "auto" or self._own_mode is not None:
            modes = [mode for mode in modes if (self._own_mode or mode) in vlm.memory]
        needed = {mode: self.needed(row, vlm, mode) for mode in modes}
        for mode, size in needed.items():
            if size <= self.machine.free and self._waiting(row, mode) <= self.machine.host:
                return Fit(mode, size)
        return Fit(None, min(needed.values(), default=float("inf")))

    def needed(self, row: Ranked, vlm: RankedVlm, mode: Memory) -> float:
        """Return the bytes of the device's memory that a generator, a VLM and the CLIP model take in a mode."""
        each, preset = self.machine.bytes_each, self.preset(row)
        working = float(WORKING_BYTES)
        if vlm is RULES and preset is not None:  # else a VLM's reading of an image takes as much
            working *= preset.width * preset.height / MEGAPIXEL
        quantised = vlm.weights - vlm.unquantised if (self._own_mode or mode) == "4bit" else 0.0
        beside = (vlm.weights - quantised + self.profile.lookup_weights) * each + quantised * 2 * QUANTISED
        return (device_bytes(self.sizes(row), mode) or 0.0) + 1e9 * beside + working

    @property
    def _own_mode(self) -> Memory | None:
        """How VLMs are held where that is said apart; one layer at a time is no way of theirs."""
        asked = self.device.vlm_memory
        return None if asked == "auto" else "offload" if asked == "sequential" else asked

    def in_words(self, row: Ranked, vlm: RankedVlm, fit: Fit) -> str:
        """Return that a pair doesn't fit."""
        beside = f" with {short_name(vlm.vlm)} beside it" if vlm.vlm != RULES.vlm else ""
        if fit.needed == float("inf"):
            return f"{row.generator}{beside} is held in no mode that there is here"
        if fit.needed <= self.machine.free:
            return f"{row.generator}{beside} needs more of the host's memory than is free"
        return f"{row.generator}{beside} needs {_gigabytes(fit.needed)}, {self.machine.told}"

    def best_fit(self, row: Ranked) -> tuple[RankedVlm, Fit]:
        """Return the best VLM that fits beside a generator, or the one that comes nearest."""
        beside = [*self._worth(row, [] if self.machine.kind == "cpu" else self.vlms())] or [RULES]
        fits = [(vlm, self.fit(row, vlm)) for vlm in beside]
        return next((pair for pair in fits if pair[1].mode is not None), min(fits, key=lambda pair: pair[1].needed))

    def _worth(self, row: Ranked, vlms: Sequence[RankedVlm]) -> list[RankedVlm]:
        return [vlm for vlm in vlms if not row.vlms or vlm.vlm in row.vlms or vlm is RULES or vlm.vlm == self.vlm]

    def _takes_references(self, row: Ranked) -> bool:
        preset = self.preset(row)
        return preset is None or preset.family != "text"

    def sizes(self, row: Ranked) -> dict[str, float]:
        """Return the bytes of each part of a generator in the number format of the device; empty if not known."""
        preset = self.preset(row)
        weights = preset.weights if preset is not None else {}
        return {name: 1e9 * size * self.machine.bytes_each for name, size in weights.items()}

    def _waiting(self, row: Ranked, mode: Memory) -> float:
        """Return the bytes of weights that wait in the host's memory, where that is another than the device's."""
        return host_bytes(self.sizes(row), mode) if self.machine.kind == "cuda" else 0.0

    def _taken(self, row: Ranked, vlm: RankedVlm, fit: Fit) -> Taken:
        notes = []
        if fit.needed:
            notes.append(f"{_gigabytes(fit.needed)} needed of {self.machine.told}")
        else:
            notes.append(self.machine.told)
        if fit.mode not in (None, "full"):
            notes.append(f"held as by --memory {fit.mode}")
        if row in self.profile.ranking and self.is_here(row):
            notes.append("its weights are here")
        if not self.sizes(row) and self.machine.kind != "cpu":
            notes.append(f"how large {row.generator!r} is isn't known, so it is not counted")
        if vlm.vlm.startswith(LOCAL) and not vlm.weights:
            notes.append(f"how large {vlm.vlm!r} is isn't known, so it is not counted")
        memory = fit.mode if self.machine.kind != "cpu" else None
        choice = Choice(generator=row.generator, vlm=vlm.vlm)
        return Taken(choice, memory, ", ".join(notes), tuple(self._better(row, vlm)))

    def _better(self, row: Ranked, vlm: RankedVlm) -> Iterator[str]:
        """Yield the generator and the VLM that go before those taken and come nearest to fitting, with the reason."""
        rows = self.rows()
        above = [one for one in rows[: rows.index(row)] if not one.if_here or self.is_here(one)]
        if quick := [one for one in above if not self.refused(one)]:
            other, (beside, fit) = min(((one, self.best_fit(one)) for one in quick), key=_nearness)
            yield self._not_here(other.generator, self.preset(other)) if fit.mode else self.in_words(other, beside, fit)
        elif above:
            yield self.refused(above[-1])
        if self.machine.kind == "cpu":
            yield f"{NO_GPU}, on which a local VLM would decide and judge"
            return
        listed = self.profile.vlms
        before = listed[: listed.index(vlm)] if vlm in listed else listed
        larger = [one for one in self._worth(row, before) if one.weights > vlm.weights]
        if self.vlm is None and larger:
            other, (beside, fit) = min(((row, (one, self.fit(row, one))) for one in larger), key=_nearness)
            if fit.mode is None:
                lacks = "" if self.machine.has_4bit or self.machine.kind != "cuda" else f"; {NO_4BIT}"
                yield self.in_words(other, beside, fit) + lacks
            elif not self._is_vlm_here(beside.vlm):
                yield f"{short_name(beside.vlm)} fits too, but its weights ({2 * beside.weights:.1f} GB) {NOT_HERE}"

    def _not_here(self, generator: str, preset: Preset | None) -> str:
        size = (preset.gigabytes() if preset is not None else None) or 0.0
        return f"{generator} fits too, but its weights ({size:.1f} GB) {NOT_HERE}"


def _nearness(one: tuple[Ranked, tuple[RankedVlm, Fit]]) -> float:
    """Order what doesn't fit by how much memory it needs, behind what fits."""
    return 0.0 if one[1][1].mode is not None else one[1][1].needed


def short_name(vlm: str) -> str:
    """Return a local VLM's name without its owner."""
    return vlm.rpartition("/")[2] or vlm


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB"

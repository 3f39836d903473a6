"""Why a run ended, in words."""

from imagerag.records import StopReason

ENDINGS: dict[StopReason, str] = {
    "satisfied": "the critic is satisfied",
    "done": "nothing more was left to try",
    "no_improvement": "redrawing no longer made it better",
    "uncalibrated": "the critic is not calibrated, which is no ground for a redraw",
    "steps": "the step budget ran out",
    "generations": "the generation budget ran out",
    "seconds": "the time budget ran out",
    "loading": "models took longer to download and load than max_loading_seconds allows",
    "tokens": "the token budget ran out",
    "money": "the money budget ran out",
    "cancelled": "it was cancelled",
    "unavailable": "the generator's server can't be reached or is busy",
    "error": "an error ended it",
    "answered": "it was answered in words, and nothing was drawn",
}

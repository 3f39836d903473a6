"""The parts that a run needs, loaded before anything is drawn, so that what only a person can mend is told first."""

from imagerag.agent.names import CRITICS
from imagerag.errors import BudgetExceeded, Cancelled, UserError
from imagerag.graphs.budget import check_prices, meter_step, stop_reason
from imagerag.graphs.components import Components
from imagerag.graphs.state import Limits, Spent
from imagerag.modes import Mode
from imagerag.records import StopReason


def load_driver(components: Components, limits: Limits, spent: Spent) -> StopReason | None:
    """Load what decides, and return why the run has to end if it had to meanwhile.

    Raises:
        UserError: it can't be loaded.
    """
    try:
        with meter_step(limits, spent, components.settings):
            assert components.driver
    except (BudgetExceeded, Cancelled) as stop:
        return stop_reason(stop)
    return None


def possible_mode(components: Components, limits: Limits, spent: Spent) -> tuple[Mode, StopReason | None]:
    """Return the mode that is possible with these parts, loaded for that, and have money limited only where it can be.

    Returns:
        The mode; and why the run has to end, if it had to while they were loaded.

    Raises:
        UserError: what is asked for can't be done with them.
    """
    settings = components.settings
    try:
        with meter_step(limits, spent, settings):
            if limits["max_money"] is not None:
                check_prices(components)
            if components.injected.critic is None and settings.critic not in CRITICS:
                assert components.critic  # one that isn't here is told before anything is drawn, which may cost money
            return _mode_of_generator(components), None
    except (BudgetExceeded, Cancelled) as stop:
        return settings.mode, stop_reason(stop)


def _mode_of_generator(components: Components) -> Mode:
    """Return the mode, or for a generator that takes no references the one that gets along without.

    Raises:
        UserError: there is no doing without: everything is to be looked up, or subjects were given.
    """
    settings, generator = components.settings, components.generator
    if generator.max_references or settings.mode in ("rephrase_only", "no_lookup"):
        return settings.mode
    if settings.mode == "lookup_first" or settings.subject:
        what = "--mode lookup_first" if settings.mode == "lookup_first" else f"--subject {settings.subject[0]!r}"
        raise UserError(
            f"generator {generator.name!r} takes no reference images, so {what} is of no use; "
            "name another --generator, or give --mode rephrase_only or no_lookup"
        )
    components.tell(
        f"generator {generator.name!r} takes no reference images: what is missing is rephrased, not looked up",
    )
    return "rephrase_only"

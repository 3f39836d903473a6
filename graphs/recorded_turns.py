"""How a turn begins in a recording that is written, and in one that is played."""

from imagerag.chat_models.recording import open_recorder
from imagerag.chat_models.replay import PREFIX, is_replay, open_recording
from imagerag.profiles.resolve import RunSettings


def begin_record(settings: RunSettings, run: str, turn: int, request: str, seed: int) -> None:
    """Enter a turn and what it was asked for in the recording, if there is one.

    Raises:
        UserError: the file can't be written, or is not a new one.
    """
    if settings.record is None:
        return
    open_recorder(settings.record).begin(
        run,
        turn=turn,
        prompt=request,
        seed=seed,
        n=settings.n,
        mode=settings.mode,
        generator=settings.generator,
        vlm=settings.vlm,
        critic=settings.critic,
    )


def begin_replay(settings: RunSettings, run: str, turn: int) -> int | None:
    """Wind the recordings that stand for models to that turn, and return the seed it had; ``None`` without any.

    Raises:
        UserError: a recording can't be read, or lacks that turn.
    """
    seed = None
    for name in dict.fromkeys((settings.critic, settings.vlm)):
        if is_replay(name):
            seed = int(open_recording(name.removeprefix(PREFIX)).begin(run, turn)["seed"])
    return seed

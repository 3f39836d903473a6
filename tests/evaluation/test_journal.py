"""The folder of a run: a kill loses one line, and another run is told apart."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation import journal as journal_module
from imagerag.evaluation.journal import JsonLines, RunJournal, held
from imagerag.evaluation.plan import Plan
from imagerag.evaluation.records import Arm, Concept, Drawing, Measurement, Suite, SuitePrompt, UsedReference
from imagerag.evaluation.run_folder import Key, read_run
from imagerag.evaluation.worker import Message
from imagerag.settings import Settings

PROMPTS = tuple(SuitePrompt(f"p-{name}", f"an {name}", (Concept(name),), "known") for name in ("owl", "axe"))
PLAN = Plan(Suite("small", PROMPTS), (Arm("base", {"n": 1}), Arm("agent")), (0, 1), Settings(), ("presence",))
REFERENCE = UsedReference("owl", "an owl", "owl", "2" * 64, 0.5)


def drawing(arm: str = "base", prompt: str = "p-owl", seed: int = 0, error: str = "") -> Drawing:
    image = "" if error else "1" * 64
    return Drawing(arm, prompt, seed, image, 2, 48, 0, 0, 0.0, 1.5, "satisfied", 0.9, {"owl": 0.9}, (REFERENCE,), error)


def enter(journal: RunJournal, one: Drawing, *, measured: bool = True) -> None:
    if one.image:
        journal.enter(Message("image", b"PNG", one.image))
    journal.enter(Message("drawing", one))
    if measured and one.image:
        journal.enter(Message("measured", Measurement(one.arm, one.prompt, one.seed, 1.0, {"owl": 1.0}), "presence"))


def left(journal: RunJournal) -> set[tuple[str, str, int]]:
    return {(arm, task.prompt.name, seed) for task in journal.tasks() for arm, seed in task.left}


def test_what_is_there_is_not_drawn_again(tmp_path: Path) -> None:
    first = RunJournal(tmp_path, PLAN)
    assert len(left(first)) == 8
    enter(first, drawing())
    enter(first, drawing("agent", "p-axe", 1))
    again = RunJournal(tmp_path, PLAN)
    assert again.done == first.done
    assert again.done["base", "p-owl", 0] == drawing()
    assert left(again) == left(first)
    assert len(left(again)) == 6
    assert ("base", "p-owl", 0) not in left(again)


def test_the_reader_of_reports_reads_what_is_written(tmp_path: Path) -> None:
    enter(RunJournal(tmp_path, PLAN), drawing())
    run = read_run(tmp_path)
    assert run.suite == PLAN.suite
    assert run.file.arms == PLAN.arms
    assert run.file.seeds == PLAN.seeds
    assert run.drawings["base"][Key("p-owl", 0)] == drawing()
    assert run.measured["presence"]["base"][Key("p-owl", 0)].value == 1.0
    assert run.notes == ()


def test_a_torn_last_line_is_left_out_and_what_follows_is_whole(tmp_path: Path) -> None:
    journal = RunJournal(tmp_path, PLAN)
    enter(journal, drawing())
    enter(journal, drawing("agent"))
    for name in ("drawings.jsonl", "measured/presence.jsonl"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[:-30])
    again = RunJournal(tmp_path, PLAN)
    assert again.damaged == 2
    assert ("agent", "p-owl", 0) in left(again)
    enter(again, drawing("agent"))
    last = RunJournal(tmp_path, PLAN)
    assert set(last.done) == {("base", "p-owl", 0), ("agent", "p-owl", 0)}
    assert left(last) == left(journal)


def test_where_a_run_goes_is_no_setting_of_it(tmp_path: Path) -> None:
    enter(RunJournal(tmp_path, PLAN), drawing())
    out = Settings(out="elsewhere", origins=(("out", "--out"),))
    assert RunJournal(tmp_path, replace(PLAN, settings=out)).done, "the same run, whose folder was named"
    run = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**run, "settings": {"out": None}}))  # as they were once kept
    assert RunJournal(tmp_path, PLAN).done


def test_what_another_judge_measured_is_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(RunJournal(tmp_path, PLAN), drawing())
    same = RunJournal(tmp_path, PLAN)
    assert (same.measured_anew, len(same.measured["presence"])) == ((), 1)
    monkeypatch.setattr(journal_module, "judge_of", lambda name: "another" if name == "presence" else "")
    again = RunJournal(tmp_path, PLAN)
    assert again.measured_anew == ("presence",)
    assert again.measured["presence"] == {}
    assert ("base", "p-owl", 0) not in left(again), "it is not drawn again"
    assert next(task.unmeasured for task in again.tasks()) == {("base", 0): ("presence",)}
    assert read_run(tmp_path).file.judges == {"presence": "another"}
    assert read_run(tmp_path).measured == {}
    assert RunJournal(tmp_path, PLAN).measured_anew == ()
    assert len(list((tmp_path / "measured").iterdir())) == 1, "what was measured is kept aside"


def test_a_drawing_without_its_image_is_made_again(tmp_path: Path) -> None:
    enter(RunJournal(tmp_path, PLAN), drawing())
    (tmp_path / "images" / f"{'1' * 64}.png").unlink()
    assert ("base", "p-owl", 0) in left(RunJournal(tmp_path, PLAN))


def test_a_drawing_that_failed_is_made_again(tmp_path: Path) -> None:
    enter(RunJournal(tmp_path, PLAN), drawing(error="the server is gone"))
    assert ("base", "p-owl", 0) in left(RunJournal(tmp_path, PLAN))


def test_what_was_killed_before_it_was_measured_is_measured_then(tmp_path: Path) -> None:
    enter(RunJournal(tmp_path, PLAN), drawing(), measured=False)
    (task,) = [task for task in RunJournal(tmp_path, PLAN).tasks() if task.unmeasured]
    assert task.unmeasured == {("base", 0): ("presence",)}
    assert task.packed().pngs == {("base", 0): b"PNG"}
    assert task.there == (drawing(),)


def test_searches_go_to_the_prompt_that_they_were_made_for(tmp_path: Path) -> None:
    journal = RunJournal(tmp_path, PLAN)
    journal.enter(Message("lookup", {"prompt": "p-axe", "key": "k", "found": []}))
    tasks = {task.prompt.name: task for task in RunJournal(tmp_path, PLAN).tasks()}
    assert [line["key"] for line in tasks["p-axe"].lookups] == ["k"]
    assert tasks["p-owl"].lookups == ()


def test_pictures_of_the_web_are_kept_for_the_prompt_that_found_them(tmp_path: Path) -> None:
    journal = RunJournal(tmp_path, PLAN)
    found = [[{"sha256": "3" * 64}, {"sha256": "4" * 64}]]
    journal.enter(Message("lookup", {"prompt": "p-axe", "key": "k", "found": found}))
    journal.enter(Message("reference", b"PNG", "3" * 64))
    tasks = {task.prompt.name: task for task in RunJournal(tmp_path, PLAN).tasks()}
    assert tasks["p-axe"].packed().references == {"3" * 64: b"PNG"}
    assert tasks["p-owl"].references == {}


def test_more_prompts_arms_and_seeds_can_join_a_run(tmp_path: Path) -> None:
    small = replace(PLAN, suite=replace(PLAN.suite, prompts=PROMPTS[:1]), arms=PLAN.arms[:1], seeds=(0,))
    enter(RunJournal(tmp_path, small), drawing())
    assert len(left(RunJournal(tmp_path, PLAN))) == 7
    RunJournal(tmp_path, small)  # a smaller one again takes nothing away
    run = read_run(tmp_path)
    assert (run.arms, run.file.seeds, len(run.suite.prompts)) == (("base", "agent"), (0, 1), 2)


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (replace(PLAN, suite=replace(PLAN.suite, name="other")), "of suite 'small', not 'other'"),
        (replace(PLAN, arms=(Arm("base", {"n": 2}),)), "whose arm 'base' had {'n': 1}, not {'n': 2}"),
        (
            replace(PLAN, settings=Settings(n=3, origins=(("n", "flag --n"),))),
            "with the settings {}, not {'n': 3}",
        ),
        (
            replace(PLAN, suite=replace(PLAN.suite, prompts=(replace(PROMPTS[0], text="a cat"),))),
            "whose prompt 'p-owl' has other words",
        ),
    ],
    ids=["suite", "arm", "settings", "words"],
)
def test_a_folder_of_another_run_is_refused(tmp_path: Path, plan: Plan, told: str) -> None:
    RunJournal(tmp_path, plan)  # which never came to draw: nothing to go on with
    enter(RunJournal(tmp_path, PLAN), drawing())
    with pytest.raises(UserError) as error:
        RunJournal(tmp_path, plan)
    assert told in str(error.value)
    assert "choose another --out" in str(error.value)


def test_a_file_that_is_no_run_is_told(tmp_path: Path) -> None:
    enter(RunJournal(tmp_path, PLAN), drawing())
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(UserError, match="is no run of imagerag eval"):
        RunJournal(tmp_path, PLAN)


def test_two_evaluations_never_write_into_one_folder(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(UserError, match="another imagerag eval is at work"), held(tmp_path):
        raise AssertionError


def test_lines_that_are_no_objects_count_as_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n7\nnot json\n' + "[" * 100_000 + "\n")
    lines = JsonLines(path)
    assert (lines.rows, lines.damaged) == ([{"a": 1}], 3)
    lines.add({"a": 2})
    assert json.loads(path.read_text().splitlines()[-1]) == {"a": 2}


SECRET = "hunter2"


def secretive() -> Plan:
    """A plan with keys and places wherever there is room for them."""
    server = f"openai:m@http://me:{SECRET}@host/v1?k={SECRET}"
    origins = tuple((name, "flag") for name in ("generator", "mcp_server", "chroma", "c2pa_key", "record"))
    settings = Settings(
        generator=server, mcp_server=(f"env KEY={SECRET} search --token {SECRET}",), chroma=f"http://me:{SECRET}@host",
        c2pa_key=f"/home/{SECRET}/key.pem", record=f"/home/{SECRET}/r.jsonl", origins=origins,
    )  # fmt: skip
    prompts = (replace(PROMPTS[0], images=(f"/home/{SECRET}/owl.jpg", "cat.jpg")),)
    suite = replace(PLAN.suite, prompts=prompts, retrieval=f"/home/{SECRET}/pictures")
    return replace(PLAN, suite=suite, settings=settings, arms=(Arm("mine", {"critic": server}, f"critic={server}"),))


def test_a_run_tells_no_key_and_no_place_and_goes_on_as_the_same(tmp_path: Path) -> None:
    plan = secretive()
    enter(RunJournal(tmp_path, plan), drawing("mine"))
    text = (tmp_path / "run.json").read_text()
    assert SECRET not in text
    told = json.loads(text)
    assert told["settings"] == {"generator": "openai:m@http://host/v1?k=[hidden]", "mcp_server": ["search ..."]}
    assert told["suite"]["prompts"][0]["images"] == ["owl.jpg", "cat.jpg"]
    assert left(RunJournal(tmp_path, plan)) == {("mine", "p-owl", 1)}
    with pytest.raises(UserError, match="with the settings"):
        RunJournal(tmp_path, replace(plan, settings=replace(plan.settings, generator="patchwork")))


def test_a_run_of_an_earlier_version_goes_on_and_tells_them_no_more(tmp_path: Path) -> None:
    plan = secretive()
    enter(RunJournal(tmp_path, plan), drawing("mine"))
    told = json.loads((tmp_path / "run.json").read_text())
    asked = {name: getattr(plan.settings, name) for name, _ in plan.settings.origins}
    told["settings"] = {name: list(one) if isinstance(one, tuple) else one for name, one in asked.items()}
    told["arms"] = [{"name": "mine", "settings": plan.arms[0].settings, "about": plan.arms[0].about}]
    (tmp_path / "run.json").write_text(json.dumps(told))
    run = read_run(tmp_path)
    assert SECRET not in repr((run.file.settings, run.file.arms))
    assert left(RunJournal(tmp_path, plan)) == {("mine", "p-owl", 1)}
    assert SECRET not in (tmp_path / "run.json").read_text()


ODD: list[object] = [
    {"arm": "base"},
    {**json.loads(json.dumps(asdict(drawing()))), "image": 5},
    {**json.loads(json.dumps(asdict(drawing()))), "references": [7]},
    {**json.loads(json.dumps(asdict(drawing()))), "arm": ["base"]},
    {"prompt": ["p-owl"], "key": "k", "found": []},
    {"prompt": "p-owl", "key": "k", "found": [[{"title": "an owl"}]]},
    {"prompt": "p-owl", "key": "k", "found": 3},
]


@pytest.mark.parametrize("row", ODD)
@pytest.mark.parametrize("file", ["drawings.jsonl", "lookups.jsonl", "measured/presence.jsonl"])
def test_lines_of_another_shape_are_left_out_and_counted(file: str, row: object, tmp_path: Path) -> None:
    enter(RunJournal(tmp_path, PLAN), drawing())
    with (tmp_path / file).open("a") as opened:
        opened.write(json.dumps(row) + "\n")
    journal = RunJournal(tmp_path, PLAN)
    assert journal.damaged == 1
    assert journal.done == {("base", "p-owl", 0): drawing()}
    assert len(left(journal)) == 7


@pytest.mark.parametrize("changes", [{"arms": [{"about": "base"}]}, {"arms": {}}, {"suite": {}}, {"seeds": "0"}])
def test_a_run_file_of_another_shape_is_told(changes: dict[str, object], tmp_path: Path) -> None:
    enter(RunJournal(tmp_path, PLAN), drawing())
    told = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**told, **changes}))
    with pytest.raises(UserError, match="is no run of imagerag eval; choose another --out"):
        RunJournal(tmp_path, PLAN)

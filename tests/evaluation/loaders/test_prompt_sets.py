"""Suites of prompts: what each of the sets says has to be seen."""

import json
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.loaders.registry import load_suite
from imagerag.evaluation.records import Concept
from testing import miniature_suites
from testing.miniature_suites import json_lines, text


class TestGeneval2:
    def test_questions_become_concepts(self, tmp_path: Path) -> None:
        miniature_suites.geneval2(tmp_path)
        first, second = load_suite("geneval2", tmp_path).prompts
        assert first.stratum == "atoms-5"
        assert first.concepts == (
            Concept("two owls", "count", "owls", "2"),
            Concept("white owls", "colour", "owls", "white", question="Are the owls white?"),
            Concept("owls", "thing", "owls", question="Are there any owls in the image?"),
            Concept(
                "owls to the left of car",
                "relation",
                "owls",
                "left of",
                "car",
                "Are the owls to the left of the car?",
            ),
            Concept("one cars", "count", "cars", "1"),
            Concept("striped car", "thing", "car", "striped", question="Is the car striped?"),
        )
        assert second.concepts[1] == Concept(
            "dog chasing cat", "relation", "dog", "chasing", "cat", "Is the dog chasing the cat?"
        )

    def test_its_licence_is_told(self, tmp_path: Path) -> None:
        miniature_suites.geneval2(tmp_path)
        suite = load_suite("geneval2", tmp_path)
        assert suite.licence == "CC-BY-NC-4.0"
        assert suite.notes == ("GenEval 2 may not be used commercially",)

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"skills": ["count"]}, "has 6 questions and 1 skills"),
            ({"vqa_list": ["How many?"], "skills": ["count"]}, "no question with its answer"),
            ({"vqa_list": [["Is it nice?", "Yes"]], "skills": ["beauty"]}, "has the skill 'beauty'"),
            ({"vqa_list": [["How many owls are in the image?", "many"]], "skills": ["count"]}, "for 'many'"),
            ({"vqa_list": [["How many owls are in the image?", ""]], "skills": ["count"]}, "for ''"),
            ({"vqa_list": [["Is there a dog?", "No"]], "skills": ["object"]}, "all but counts are answered with yes"),
            ({"atom_count": None}, "has no text in 'atom_count'"),
            ({"prompt": ""}, "has an empty 'prompt'"),
        ],
    )
    def test_other_lines_are_refused(self, change: dict[str, object], says: str, tmp_path: Path) -> None:
        miniature_suites.geneval2(tmp_path)
        file = tmp_path / "geneval2_data.jsonl"
        first, second = map(json.loads, file.read_text(encoding="utf-8").splitlines())
        json_lines(file, [first | change, second])
        with pytest.raises(UserError, match=says) as refused:
            load_suite("geneval2", tmp_path)
        assert str(refused.value).startswith(f"{file}:1 ")

    def test_a_question_of_another_form_stands_for_itself(self, tmp_path: Path) -> None:
        row = {"prompt": "a dog", "atom_count": 3, "vqa_list": [["Can a dog be seen?", "Yes"]], "skills": ["object"]}
        json_lines(tmp_path / "geneval2_data.jsonl", [row])
        (prompt,) = load_suite("geneval2", tmp_path).prompts
        assert prompt.concepts == (Concept("Can a dog be seen", "thing", question="Can a dog be seen?"),)


class TestGenaiBench:
    @pytest.mark.parametrize("layout", ["genai_bench", "genai_bench_of_the_hub"])
    def test_both_layouts(self, layout: str, tmp_path: Path) -> None:
        getattr(miniature_suites, layout)(tmp_path)
        suite = load_suite("genai-bench", tmp_path)
        assert [prompt.text for prompt in suite.prompts] == ["a baker", "more owls than cats", "a lamp"]
        assert [prompt.stratum for prompt in suite.prompts] == ["basic", "advanced", "untagged"]
        assert "1 prompts have no tag" in suite.notes[0]

    def test_what_is_missing_is_told(self, tmp_path: Path) -> None:
        miniature_suites.genai_bench(tmp_path)
        text(tmp_path / "genai_skills.json", json.dumps({"basic": ["one"]}))
        with pytest.raises(UserError, match="has 'one' in 'basic', no number of a prompt"):
            load_suite("genai-bench", tmp_path)
        (tmp_path / "genai_skills.json").unlink()
        with pytest.raises(UserError, match=r"finds no file 'genai_skills\.json'"):
            load_suite("genai-bench", tmp_path)
        (tmp_path / "genai_image.json").unlink()
        (tmp_path / "other.parquet").write_bytes(b"no table")
        with pytest.raises(UserError, match="has no columns Index, Prompt and Tags"):
            load_suite("genai-bench", tmp_path)


class TestWise:
    def test_a_prompt_means_its_explanation(self, tmp_path: Path) -> None:
        miniature_suites.wise(tmp_path)
        suite = load_suite("wise", tmp_path)
        assert [prompt.stratum for prompt in suite.prompts] == ["culture", "time", "physics"]
        (concept,) = suite.prompts[0].concepts
        assert concept.kind == "fact"
        assert concept.text == "This refers to Festival"
        assert "the thing of Festival" in concept.question
        assert suite.notes == ("its makers state no licence",)

    def test_the_merged_file_stands_in(self, tmp_path: Path) -> None:
        miniature_suites.wise(tmp_path)
        folder = tmp_path / "data_verified"
        files = sorted(folder.iterdir())
        merged = [row for file in files for row in json.loads(file.read_text(encoding="utf-8"))]
        text(folder / "merge.json", json.dumps(merged))
        assert len(load_suite("wise", tmp_path).prompts) == 3, "not twice"
        files[0].unlink()
        assert len(load_suite("wise", tmp_path).prompts) == 3
        (folder / "merge.json").unlink()
        with pytest.raises(UserError, match=r"finds no file 'cultural_common_sense_verified\.json'"):
            load_suite("wise", tmp_path)

    def test_the_first_release_is_told_apart(self, tmp_path: Path) -> None:
        text(tmp_path / "WISE_legacy" / "data" / "cultural_common_sense.json", "[]")
        with pytest.raises(UserError, match="the prompts of the first release alone"):
            load_suite("wise", tmp_path)

    def test_other_rows_are_refused(self, tmp_path: Path) -> None:
        miniature_suites.wise(tmp_path)
        file = tmp_path / "data_verified" / "natural_science_verified.json"
        (row,) = json.loads(file.read_text(encoding="utf-8"))
        text(file, json.dumps([row | {"Category": "Cooking"}]))
        with pytest.raises(UserError, match=r"natural_science_verified\.json, entry 1 has the category 'Cooking'"):
            load_suite("wise", tmp_path)
        text(file, '{"a": 1}')
        with pytest.raises(UserError, match="holds dict, no list of objects"):
            load_suite("wise", tmp_path)
        text(file, "[", "oops")
        with pytest.raises(UserError, match=r"natural_science_verified\.json:2 is no JSON"):
            load_suite("wise", tmp_path)


class TestAgentgen:
    def test_items_of_the_checklist_become_questions(self, tmp_path: Path) -> None:
        miniature_suites.agentgen(tmp_path)
        suite = load_suite("agentgen-bench", tmp_path)
        assert [prompt.stratum for prompt in suite.prompts] == ["no-search", "textual-search", "visual-search"]
        assert suite.prompts[0].name == "bench-0001"
        questions = [concept.question for prompt in suite.prompts for concept in prompt.concepts]
        assert questions[0] == "Is this true of the image: 'a bicycle is shown'?"
        assert questions[2] == "Does the chart have two curves?"
        assert suite.prompts[2].images == ("references/bench_0003/mascot.jpg",)

    def test_the_small_half(self, tmp_path: Path) -> None:
        miniature_suites.agentgen(tmp_path)
        assert [prompt.name for prompt in load_suite("agentgen-bench-testmini", tmp_path).prompts] == ["bench-0001"]
        rows = [json.loads(line) for line in (tmp_path / "eval_metadata.jsonl").read_text().splitlines()]
        json_lines(tmp_path / "eval_metadata.jsonl", [{**row, "subset": None} for row in rows])
        with pytest.raises(UserError, match="whose field 'subset' has 'testmini' in it"):
            load_suite("agentgen-bench-testmini", tmp_path)

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"bench_id": "bench_0002"}, "has the bench_id 'bench_0002' for a second time"),
            ({"verification_checklist": []}, "has no 'verification_checklist'"),
            ({"verification_checklist": [3]}, "no words of an item"),
            ({"visual_reference_slots": [{"relative_path": "../secret.jpg"}]}, "outside of the set"),
            ({"visual_reference_slots": [{}]}, "no 'relative_path'"),
            ({"visual_reference_slots": "mascot.jpg"}, "has 'mascot.jpg' in 'visual_reference_slots', no list"),
        ],
    )
    def test_other_lines_are_refused(self, change: dict[str, object], says: str, tmp_path: Path) -> None:
        miniature_suites.agentgen(tmp_path)
        file = tmp_path / "eval_metadata.jsonl"
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        json_lines(file, [*rows[:2], rows[2] | change])
        with pytest.raises(UserError, match=says) as refused:
            load_suite("agentgen-bench", tmp_path)
        assert str(refused.value).startswith(f"{file}:3 ")

    def test_missing_pictures_are_told(self, tmp_path: Path) -> None:
        miniature_suites.agentgen(tmp_path)
        (tmp_path / "references" / "bench_0003" / "mascot.jpg").unlink()
        assert "1 pictures that eval_metadata.jsonl names are not there" in load_suite("agentgen-bench", tmp_path).notes


class TestFactualbench:
    def test_concepts_and_what_is_said_of_them(self, tmp_path: Path) -> None:
        miniature_suites.factualbench(tmp_path)
        suite = load_suite("t2i-factualbench", tmp_path)
        assert [prompt.stratum for prompt in suite.prompts] == ["SKCM", "SKCI", "MKCC"]
        assert [[concept.text for concept in prompt.concepts] for prompt in suite.prompts] == [
            ["heckelphone"],
            ["Old Hat", "Worn Old Hat"],
            ["beagle dog", "Old Hat", "A beagle wears an Old Hat"],
        ]
        assert suite.prompts[1].concepts[1].question == "Is the Old Hat worn?"
        assert suite.prompts[2].concepts[2].kind == "relation"

    def test_pictures_are_found_by_the_ends_of_their_paths(self, tmp_path: Path) -> None:
        miniature_suites.factualbench(tmp_path)
        suite = load_suite("t2i-factualbench", tmp_path)
        assert suite.prompts[0].images == ("data/concept_image/artifact/heckelphone.jpg",)
        assert suite.prompts[2].images == ("data/concept_image/artifact/Old_Hat.jpg",)
        assert "1 reference pictures are not there" in suite.notes[1]

    def test_a_place_at_the_end_has_no_look(self, tmp_path: Path) -> None:
        miniature_suites.factualbench(tmp_path)
        file = tmp_path / "data" / "prompts" / "MKCC" / "prompt.jsonl"
        row = json.loads(file.read_text(encoding="utf-8"))
        row |= {"concept": ["cow", "hen", "Old Mill"], "addition": ["large", "small"], "task": "size"}
        json_lines(file, [row])
        concepts = load_suite("t2i-factualbench", tmp_path).prompts[2].concepts
        assert [concept.text for concept in concepts[3:]] == ["large cow", "small hen"]
        json_lines(file, [row | {"concept": ["cow"]}])
        with pytest.raises(UserError, match="has 2 in 'addition' for 1 concepts"):
            load_suite("t2i-factualbench", tmp_path)


class TestKitten:
    def test_an_entity_has_its_folder(self, tmp_path: Path) -> None:
        miniature_suites.kitten(tmp_path)
        suite = load_suite("kitten", tmp_path)
        assert [prompt.stratum for prompt in suite.prompts] == ["landmark", "landmark", "insect"]
        assert suite.prompts[1].images == ("evaluation/landmark/old_mill/1.jpg",)
        assert suite.retrieval == str(tmp_path / "support")
        assert "layout that was not checked" in suite.notes[0]
        assert suite.notes[1] == "1 of 3 prompts have no real picture to compare with"

    @pytest.mark.parametrize(
        "rows",
        [
            [{"Prompt": "a mill", "Entity": "Old Mill"}],
            {"1": {"text": "a mill", "entity_name": "Old Mill", "task": "basic"}},
        ],
    )
    def test_other_tables(self, rows: object, tmp_path: Path) -> None:
        text(tmp_path / "prompts" / "all.json", json.dumps(rows))
        (prompt,) = load_suite("kitten", tmp_path).prompts
        assert (prompt.text, prompt.concepts[0].text) == ("a mill", "Old Mill")

"""Public evaluation sets in miniature: the layout of each, with prompts and pictures of our own."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from PIL import Image


def picture(file: Path, colour: str = "red") -> Path:
    """Write a small picture."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), colour).save(file)
    return file


def text(file: Path, *lines: str) -> Path:
    """Write a file of lines."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def json_lines(file: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Write an object a line."""
    return text(file, *(json.dumps(row) for row in rows))


def imagenet(folder: Path) -> None:
    """Two synsets in folders, as torchvision wants them, with Kaggle's names."""
    text(folder / "LOC_synset_mapping.txt", "n01440764 tench, Tinca tinca", "n02012849 crane")
    for synset in ("n01440764", "n02012849"):
        picture(folder / "train" / synset / f"{synset}_1.JPEG")
        picture(folder / "val" / synset / f"ILSVRC2012_val_{synset[-4:]}.JPEG")


def imagenet_of_kaggle(folder: Path) -> None:
    """The same as Kaggle hands it out: all pictures for validation in one folder."""
    imagenet(folder / "apart")
    root = folder / "ILSVRC" / "Data" / "CLS-LOC"
    root.parent.mkdir(parents=True)
    (folder / "apart").rename(root)
    (root / "LOC_synset_mapping.txt").rename(folder / "LOC_synset_mapping.txt")
    rows = []
    for number, synset in enumerate(("n01440764", "n02012849"), 1):
        name = f"ILSVRC2012_val_{number:08d}"
        (file,) = (root / "val" / synset).iterdir()
        file.rename(root / "val" / f"{name}.JPEG")
        file.parent.rmdir()
        rows.append(f"{name},{synset} 85 1 499 272 {synset} 1 1 9 9")
    text(folder / "LOC_val_solution.csv", "ImageId,PredictionString", *rows)


def cub(folder: Path) -> None:
    """Two birds, the first with two pictures for training and one to compare with."""
    root = folder / "CUB_200_2011"
    first, second = "001.Black_footed_Albatross", "002.Laysan_Albatross"
    files = [f"{first}/Black_1.jpg", f"{first}/Black_2.jpg", f"{first}/Black_3.jpg", f"{second}/Laysan_1.jpg"]
    for file in files:
        picture(root / "images" / file)
    text(root / "classes.txt", f"1 {first}", f"2 {second}")
    text(root / "images.txt", *(f"{number} {file}" for number, file in enumerate(files, 1)))
    text(root / "image_class_labels.txt", "1 1", "2 1", "3 1", "4 2")
    text(root / "train_test_split.txt", "1 1", "2 0", "3 1", "4 1")


def aircraft(folder: Path) -> None:
    """Two variants."""
    root = folder / "fgvc-aircraft-2013b" / "data"
    text(root / "variants.txt", "707-320", "Cessna 172")
    text(root / "images_variant_test.txt", "1514522 707-320", "0747566 Cessna 172")
    text(root / "images_variant_trainval.txt", "1025794 707-320")
    for key in ("1514522", "0747566", "1025794"):
        picture(root / "images" / f"{key}.jpg")


def inaturalist_2017(folder: Path) -> None:
    """Annotations of 2017: pictures of both halves lie in one folder."""
    categories = [
        {"id": 0, "name": "Cyanocitta cristata", "supercategory": "Aves"},
        {"id": 1, "name": "Lumbricus terrestris", "supercategory": "Animalia"},
    ]
    files = {1: "train_val_images/Aves/Cyanocitta cristata/a.jpg", 2: "train_val_images/Aves/Cyanocitta cristata/b.jpg"}
    for key, name in ((1, "train2017.json"), (2, "val2017.json")):
        told = {
            "images": [{"id": key, "file_name": files[key], "width": 8, "height": 8}],
            "annotations": [{"id": key, "image_id": key, "category_id": 0}],
            "categories": categories,
        }
        text(folder / name, json.dumps(told))
        picture(folder / files[key])


def inaturalist_2021(folder: Path) -> None:
    """Folders of 2021, without annotations."""
    name = "02912_Animalia_Chordata_Aves_Passeriformes_Corvidae_Cyanocitta_cristata"
    for half in ("train_mini", "val"):
        picture(folder / half / name / f"{half}.jpg")


def agentgen(folder: Path) -> None:
    """A prompt that needs no search, one that needs texts and one that needs a picture."""
    slots = [{"relative_path": "references/bench_0003/mascot.jpg", "entity": "a mascot"}]
    rows: list[dict[str, Any]] = [
        {"bench_id": "bench_0001", "user_prompt": "a red bicycle", "subset": ["testmini", "testmini_easy"]},
        {
            "bench_id": "bench_0002",
            "user_prompt": "a chart of the tides",
            "text_knowledge_slots": [{"entity": "tides"}],
        },
        {"bench_id": "bench_0003", "user_prompt": "the mascot of our fair", "visual_reference_slots": slots},
    ]
    rubric = {"knowledge": {"weight": 1.0, "description": "it is right"}}
    checklists = [["a bicycle is shown", "it is red"], ["Does the chart have two curves?"], ["it is that mascot"]]
    for row, checklist in zip(rows, checklists, strict=True):
        row |= {"verification_checklist": checklist, "evaluation_rubric": rubric}
    json_lines(folder / "eval_metadata.jsonl", rows)
    picture(folder / "references" / "bench_0003" / "mascot.jpg")


def wise(folder: Path) -> None:
    """One prompt a file."""
    parts = [
        ("cultural_common_sense_verified.json", "Cultural knowledge", "Festival", 1),
        ("spatio-temporal_reasoning_verified.json", "time", "Horizontal time", 401),
        ("natural_science_verified.json", "Physical Knowledge", "Optics", 761),
    ]
    for file, category, sub, number in parts:
        row = {"Prompt": f"the thing of {sub}", "Explanation": f"This refers to {sub}", "Category": category}
        row |= {"Subcategory": sub, "prompt_id": number}  # type: ignore[dict-item]
        text(folder / "data_verified" / file, json.dumps([row]))


def kitten(folder: Path) -> None:
    """Two prompts about one entity, and one about another that has no picture."""
    rows = ["prompt,entity,domain,task", "a photo of the Old Mill,Old Mill,landmark,basic"]
    rows += ["the Old Mill in the snow,Old Mill,landmark,location", "a green beetle,Green Beetle,insect,basic"]
    text(folder / "prompts.csv", *rows)
    picture(folder / "evaluation" / "landmark" / "old_mill" / "1.jpg")
    picture(folder / "support" / "landmark" / "old_mill" / "2.jpg", "blue")


def geneval2(folder: Path) -> None:
    """Two prompts with every skill."""
    first = [["How many owls are in the image?", "two"], ["Are the owls white?", "Yes"]]
    first += [["Are there any owls in the image?", "Yes"], ["Are the owls to the left of the car?", "Yes"]]
    first += [["How many cars are in the image?", "one"], ["Is the car striped?", "Yes"]]
    second = [["Are there any dogs in the image?", "Yes"], ["Is the dog chasing the cat?", "Yes"]]
    rows = [
        {"prompt": "two white owls to the left of a striped car", "atom_count": 5, "vqa_list": first,
         "skills": ["count", "attribute", "object", "position", "count", "attribute"]},
        {"prompt": "a dog chasing a cat", "atom_count": 3, "vqa_list": second, "skills": ["object", "verb"]},
    ]  # fmt: skip
    json_lines(folder / "geneval2_data.jsonl", rows)


def genai_bench(folder: Path) -> None:
    """A basic prompt, an advanced one and one without a tag."""
    prompts = {
        f"{number:05d}": {"id": f"{number:05d}", "prompt": prompt, "models": {"DALLE_3": [5, 4, 5]}}
        for number, prompt in enumerate(("a baker", "more owls than cats", "a lamp"), 1)
    }
    text(folder / "genai_image.json", json.dumps(prompts))
    skills = {"scene": [1], "comparison": [2], "attribute": [2], "basic": [1, 2], "advanced": [2], "all": [1, 2]}
    text(folder / "genai_skills.json", json.dumps(skills))


def genai_bench_of_the_hub(folder: Path) -> None:
    """The same as a table, with the pictures that it has besides."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {"Index": number, "Prompt": prompt, "Tags": {"advanced": advanced, "basic": basic}, "DALLE_3": {"bytes": b"x"}}
        for number, prompt, advanced, basic in (
            (0, "a baker", [], ["Scene"]),
            (1, "more owls than cats", ["Comparison"], ["Attribute"]),
            (2, "a lamp", [], []),
        )
    ]
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "data" / "train-00000-of-00001.parquet")


def factualbench(folder: Path) -> None:
    """A prompt of each level; the paths of pictures are those of another machine."""
    there = "/mnt/somewhere/MKC_benchmark/image"
    rows = {
        "SKCM": {"concept": ["heckelphone"], "type": ["music"], "sentence": "An image of heckelphone",
                 "reference_image": [f"{there}/artifact/heckelphone.jpg"], "addition": [], "task": "momerization"},
        "SKCI": {"concept": ["Old_Hat"], "type": ["hat"], "sentence": "A worn Old Hat.",
                 "reference_image": [f"{there}/artifact/Old_Hat.jpg"], "addition": ["Worn"], "task": "attribute"},
        "MKCC": {"concept": ["beagle_dog", "Old_Hat"], "type": ["pet", "hat"], "sentence": "A beagle with an Old Hat.",
                 "reference_image": [f"{there}/animal/beagle_dog.jpg", f"{there}/artifact/Old_Hat.jpg"],
                 "addition": ["A beagle wears an Old Hat."], "task": "interaction"},
    }  # fmt: skip
    for level, row in rows.items():
        json_lines(folder / "data" / "prompts" / level / "prompt.jsonl", [row])
    picture(folder / "data" / "concept_image" / "artifact" / "heckelphone.jpg")
    picture(folder / "data" / "concept_image" / "artifact" / "Old_Hat.jpg")


def own_file(folder: Path) -> None:
    """A person's own suite, ``suite.jsonl``."""
    picture(folder / "real" / "axolotl.png")
    (folder / "mine").mkdir()
    count = {"text": "two axolotls", "kind": "count", "thing": "axolotls", "value": "2"}
    rows: list[dict[str, Any]] = [
        {"suite": "pets", "licence": "CC0-1.0", "retrieval": "mine", "notes": ["drawn by hand"]},
        {"prompt": "two axolotls", "name": "Axolotls!", "stratum": "lacking", "split": "test",
         "concepts": ["axolotl", count], "images": ["real/axolotl.png"]},
        {"prompt": "an owl"},
    ]  # fmt: skip
    json_lines(folder / "suite.jsonl", rows)


MINIATURES: dict[str, Callable[[Path], None]] = {
    "imagenet": imagenet,
    "imagenet-rare": imagenet,
    "cub-200": cub,
    "inaturalist": inaturalist_2017,
    "fgvc-aircraft": aircraft,
    "agentgen-bench": agentgen,
    "agentgen-bench-testmini": agentgen,
    "wise": wise,
    "kitten": kitten,
    "geneval2": geneval2,
    "genai-bench": genai_bench,
    "t2i-factualbench": factualbench,
}
"""By the names of the suites that are read from folders."""

HELM = "helm/benchmark/scenarios/image_generation"
HELM_LISTS: dict[str, dict[str, list[str]]] = {
    "helm-logos": {"COMPANY_DESCRIPTIONS": ["a company that draws owls"]},
    "helm-historical-figures": {"HISTORICAL_FIGURES": ["Ada Lovelace", "Aristotle"]},
    "helm-magazine-covers": {"HEADLINES": ['The "owl" issue']},
    "helm-landing-pages": {"APPLICATION_TYPES": ["music", "news"], "PLATFORMS": ["mobile", "web"]},
}
HELM_FILES = {
    "logos_scenario.py": ("COMPANY_DESCRIPTIONS",),
    "time_most_significant_historical_figures_scenario.py": ("HISTORICAL_FIGURES",),
    "magazine_cover_scenario.py": ("HEADLINES",),
    "landing_page_scenario.py": ("APPLICATION_TYPES", "PLATFORMS"),
}
"""The lists of each file."""


def helm_package(folder: Path) -> None:
    """The package crfm-helm, whose scenarios import what is not installed beside us."""
    for file, lists in HELM_FILES.items():
        lines = ["from helm.benchmark.scenarios.scenario import Scenario", "class One(Scenario):", "    name = 'one'"]
        for key in lists:
            values = next(named[key] for named in HELM_LISTS.values() if key in named)
            lines += [
                f"    {key}: List[str] = [",
                *(f"        # a remark\n        {value!r}," for value in values),
                "    ]",
            ]
        text(folder / HELM / file, *lines)
    text(folder / "helm" / "__init__.py", "")

"""The own pictures at size: embedding, searching, being killed, and odd files, each beside what it is compared with.

    python -m benchmarks.index [--part embed|search|million|kills|odd] [--pictures 2000] [--rounds 3] [--vectors 350000]
                          [--million 1000000] [--killed 5000] [--plot docs/index-size.svg]

All parts take hours at full size on two cores; a part that was broken off goes on where it was, and smaller sizes show
the same at less cost.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imagerag.errors import UserError
from imagerag.extras import need
from imagerag.index.user.embedding import BATCH
from imagerag.index.user.maintenance import verify_user_index
from imagerag.index.user.shards import Shards
from imagerag.index.user.snapshot import SnapshotReader

Row = tuple[str, str, str]
"""What, what was measured, and what it should reach."""
KILLS = 20
SIZES = (10_000, 30_000, 100_000, 350_000)
"""Besides the largest, for the growth."""
ROOT = Path(tempfile.gettempdir()) / "imagerag-bench-index"


def photographs(folder: Path, count: int, size: tuple[int, int]) -> None:
    """Write JPEGs that differ and compress as photographs do: smooth noise of several scales."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        file = folder / f"{number:06d}.jpg"
        if file.exists():
            continue
        noise = np.random.default_rng(number)
        image = Image.new("RGB", size)
        for cells, share in ((4, 1.0), (24, 0.5), (96, 0.25)):
            layer = Image.fromarray(noise.integers(0, 255, (cells, cells, 3)).astype(np.uint8))
            image = Image.blend(image, layer.resize(size, Image.Resampling.BICUBIC), share)
        image.save(file.with_suffix(".part"), "JPEG", quality=88)
        file.with_suffix(".part").rename(file)


def embed(count: int, rounds: int) -> Iterator[Row]:
    """Compare adding with a bare loop over tensors and with a plain loop over files."""
    import open_clip
    import torch

    from imagerag.embedders.clip import OpenClipEmbedder
    from imagerag.index.user import UserPictures

    photographs(ROOT / "photographs", count, (500, 375))
    files = sorted((ROOT / "photographs").glob("*.jpg"))[:count]
    model, _, preprocess = open_clip.create_model_and_transforms("ViT-B-32")  # speed does not depend on the weights
    embedder = OpenClipEmbedder(model, preprocess, open_clip.get_tokenizer("ViT-B-32"), "random")
    tensors = [preprocess(Image.open(file).convert("RGB")) for file in files[:64]]

    def bare() -> None:
        for start in range(0, count, 64):
            with torch.inference_mode():
                model.encode_image(torch.stack(tensors[: min(64, count - start)]), normalize=True)

    def plain() -> None:
        for start in range(0, count, 64):
            pictures = [preprocess(Image.open(file).convert("RGB")) for file in files[start : start + 64]]
            with torch.inference_mode():
                model.encode_image(torch.stack(pictures), normalize=True)

    def ours() -> None:
        with tempfile.TemporaryDirectory() as home:
            own = UserPictures(home, embedder)
            assert own.add(files).added == count
            own.close()

    embedder.embed_prepared([embedder.prepare(Image.open(file)) for file in files[:64]])
    seconds: dict[str, list[float]] = {"bare": [], "plain": [], "ours": []}
    for _ in range(rounds):  # in turn, so that what else the machine does falls on all
        for name, work in (("bare", bare), ("plain", plain), ("ours", ours)):
            began = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - began)
    rate = {name: count / min(of_it) for name, of_it in seconds.items()}
    what = f"embedding {count:,} JPEGs, ViT-B-32 architecture"
    yield f"{what}: pictures a second", ", ".join(f"{name} {value:.1f}" for name, value in rate.items()), ""
    yield f"{what}: times the bare loop over tensors", f"{rate['ours'] / rate['bare']:.2f}", ">= 0.93"
    yield f"{what}: times the plain loop over files", f"{rate['ours'] / rate['plain']:.2f}", ">= 1.0"


def search(count: int) -> Iterator[Row]:
    """Time a query in every way there is."""
    one = _measured(count)
    what = f"search of {count:,} vectors"
    times = f"ours {one['ours'] * 1e3:.2f}, Chroma's call {one['chroma'] * 1e3:.2f}, "
    yield f"{what}: ms", times + f"product {one['product'] * 1e3:.1f}, re-reading {one['reread'] * 1e3:.0f}", ""
    yield f"{what}: times as fast as re-reading", f"{one['reread'] / one['ours']:.0f}", ">= 40"
    yield f"{what}: times as fast as a product", f"{one['product'] / one['ours']:.1f}", ">= 8"
    yield f"{what}: recall@10", f"{one['recall']:.4f}", ">= 0.98"
    yield f"{what}: times Chroma's own call", f"{one['ours'] / one['chroma']:.2f}", "<= 1.3"


def million(count: int, plot: str | None) -> Iterator[Row]:
    """Build and ask libraries of growing size."""
    every = [_measured(size) for size in (*(size for size in SIZES if size < count), count)]
    for one in every:
        built = f"built in {one['built']:.0f} s, {one['ours'] * 1e3:.2f} ms a query, recall {one['recall']:.3f}"
        room = f"{one['memory'] / 2**30:.2f} GiB at most, {one['disk'] / 2**30:.2f} GiB on disk"
        yield f"{one['n']:,} vectors", f"{built}, {room}", "16 GiB" if one["n"] == count else ""
    if plot:
        _plot(every, Path(plot))


def kills(count: int) -> Iterator[Row]:
    """Kill adding at random moments, and compare the end with an undisturbed one."""
    photographs(ROOT / "small", count, (120, 90))
    pictures, chosen = ROOT / "small-chosen", sorted((ROOT / "small").glob("*.jpg"))[:count]
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir()
    for file in chosen:
        os.link(file, pictures / file.name)
    homes = {name: ROOT / f"{name}-{count}" for name in ("calm", "killed")}
    for home in homes.values():
        shutil.rmtree(home, ignore_errors=True)
    subprocess.run(_adding(pictures), env=_environment(homes["calm"]), check=True, capture_output=True)
    moments, done = random.Random(3), 0
    while done < KILLS:
        process = subprocess.Popen(
            _adding(pictures), env=_environment(homes["killed"]), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        written = _count(homes["killed"])
        # So many batches further, and then anywhere within one, so that there is something left for every kill.
        until = written + moments.uniform(0, 1.2) * (-(-count // BATCH) - written) / (KILLS - done)
        while process.poll() is None and _count(homes["killed"]) <= until:
            time.sleep(0.01)
        try:
            process.wait(moments.uniform(0, 0.3))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            done += 1
        process.communicate()
        if process.returncode == 0:
            break
    last = subprocess.run(_adding(pictures), env=_environment(homes["killed"]), check=True, capture_output=True)
    outcome = json.loads(last.stdout)
    states = []
    for home in homes.values():
        shards = Shards(home / "own" / "shards")
        (model,) = shards.models()
        known = SnapshotReader(shards, model).snapshot()
        keys = sorted(known.by_key)
        rows = [known.by_key[key] for key in keys]
        described = [known.value(at, name) for at in rows for name in ("key", "sha256", "caption", "licence")]
        states.append((described, known.vectors(rows), verify_user_index(home, model)["problems"]))
    same = states[0][0] == states[1][0] and np.allclose(states[0][1], states[1][1], atol=1e-5)
    well = not states[0][2] and not states[1][2]
    told = f"{done} kills, then {outcome['unchanged']} unchanged and {outcome['added']} added"
    equal = f"{told}; {'equal' if same else 'NOT EQUAL'}, Chroma {'whole' if well else 'NOT WHOLE'}"
    yield f"killed while adding {count:,} images", equal, f"{KILLS} kills, equal"


def _count(home: Path) -> int:
    return len(list((home / "own" / "shards").glob("*.parquet")))


def odd(_: int) -> Iterator[Row]:
    """Add the odd files in a process of its own, and look how much memory it took."""
    folder = ROOT / "odd"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    done = subprocess.run([sys.executable, "-c", ODD, str(folder)], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    fate = f"{told['right']} of {told['files']} as they should be, {told['skipped']} reported"
    yield "odd and broken files", f"{fate}, {told['memory'] / 2**20:.0f} MiB above the model", "all, < 1024 MiB"


ODD = """
import json, resource, sys
from pathlib import Path
from PIL import Image
from imagerag.embedders.registry import embedded_clip
from imagerag.index.user import UserPictures
from testing.odd_files import write_corpus
folder = Path(sys.argv[1])
files = write_corpus(folder / "files")
fates = {odd.name: odd.taken for odd in files}
del files
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
clip = embedded_clip()
clip.embed_images([Image.new("RGB", (64, 64))] * 64)
before = peak()
outcome = UserPictures(folder / "home", clip).add([folder / "files"])
skipped = {Path(entry["path"]).name for entry in outcome.skipped}
right = sum((name in skipped) != taken for name, taken in fates.items())
told = {"files": len(fates), "right": right, "skipped": len(skipped), "memory": peak() - before}
print(json.dumps(told))
"""


def _measured(count: int) -> dict[str, Any]:
    """Measure in a process of its own: its peak of memory is that of this size alone."""
    code = f"import json; from benchmarks.index_size import measure; print(json.dumps(measure({count})._asdict()))"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _plot(every: list[dict[str, Any]], file: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3), layout="constrained")
    shown = (("ours", "a query, ms", 1e3), ("built", "building, s", 1), ("memory", "memory, GiB", 2**-30))
    for axes, (name, label, scale) in zip(figure.subplots(1, 3), shown, strict=True):
        axes.plot([one["n"] for one in every], [one[name] * scale for one in every], "o-")
        axes.set_xscale("log")
        if name == "built":
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
        axes.set_xlabel("vectors")
        axes.set_title(label)
        axes.grid(alpha=0.3)
    figure.savefig(file)


def _adding(folder: Path) -> list[str]:
    return [sys.executable, "-m", "imagerag", "index", "add", str(folder), "--json"]


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "IMAGERAG_HOME": str(home)}


def main() -> None:
    """Print the rows of the parts that are wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", action="append", choices=("embed", "search", "million", "kills", "odd"))
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3, help="of embedding; the best of each counts")
    parser.add_argument("--vectors", type=int, default=350_000)
    parser.add_argument("--million", type=int, default=1_000_000)
    parser.add_argument("--killed", type=int, default=5000)
    parser.add_argument("--plot", metavar="FILE", help="draw the growth there; needs matplotlib")
    options = parser.parse_args()
    if options.plot:  # now, and not after hours
        try:
            need("matplotlib", "bench", "--plot")
        except UserError as error:
            parser.error(str(error))
    parts: dict[str, Callable[[], Iterator[Row]]] = {
        "odd": lambda: odd(0),
        "embed": lambda: embed(options.pictures, options.rounds),
        "kills": lambda: kills(options.killed),
        "search": lambda: search(options.vectors),
        "million": lambda: million(options.million, options.plot),
    }
    for name, rows in parts.items():
        if options.part is None or name in options.part:
            for what, measured, wanted in rows():
                print(f"{what:62} {measured:58} {wanted}", flush=True)


if __name__ == "__main__":
    main()

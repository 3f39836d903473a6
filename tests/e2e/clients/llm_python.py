"""The command line tool llm, with a model of its own configuration."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

url, key, step, what = sys.argv[1:5]
folder = Path(tempfile.mkdtemp())
(folder / "extra-openai-models.yaml").write_text(
    f'- model_id: imagerag\n  model_name: imagerag\n  api_base: "{url}"\n  api_key_name: imagerag\n'
)
(folder / "keys.json").write_text(json.dumps({"imagerag": key}))
environment = {**os.environ, "LLM_USER_PATH": str(folder)}


def llm(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "llm", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)


if step == "cancel":
    streams = [] if what == "stream" else ["--no-stream"]
    command = [sys.executable, "-m", "llm", "-m", "imagerag", *streams, "an owl"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        while not Path(os.environ["HELD"]).exists():
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM if what == "terminated" else signal.SIGINT)
    print(json.dumps(["left"]))
elif step == "draw":
    print(json.dumps([llm("-m", "imagerag", "an owl").stdout]))
elif step == "redraw":
    llm("-m", "imagerag", "an owl")
    print(json.dumps([llm("-c", "make it red").stdout]))
else:
    told = []
    for streams in ([], ["--no-stream"]):
        begun = llm("-m", "imagerag", *streams, "a dog").stdout
        assert "satisfied" in begun, begun
        failed = llm("-c", *streams, what)
        assert failed.returncode
        told += [failed.stderr, llm("-c", *streams, "a cat").stdout]
    print(json.dumps(told))

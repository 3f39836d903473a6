"""The command line tool llm, with a model of its own configuration."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

url, key, step = sys.argv[1:4]
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
    with subprocess.Popen([sys.executable, "-m", "llm", "-m", "imagerag", "an owl"], env=environment) as process:
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.terminate()
            print(json.dumps(["left"]))
    sys.exit()
first = llm("-m", "imagerag", " " if step == "error" else "an owl")
if step == "draw":
    print(json.dumps([first.stdout]))
elif step == "redraw":
    print(json.dumps([llm("-c", "make it red").stdout]))
else:
    assert first.returncode
    print(json.dumps([first.stderr]))

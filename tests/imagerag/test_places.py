"""Paths of this machine in texts and names."""

import time

import pytest

from imagerag.places import without_folders, without_place


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("'/srv/a b/c.png' can't be read", "'c.png' can't be read"),
        ("'C:\\\\data\\\\c.png' is damaged; see '/etc/x/y'", "'c.png' is damaged; see 'y'"),
        ("it is used since settings file '/home/me/x.toml' names it", "it is used since the settings file names it"),
        ("can't read /tmp/job/a.png: no such file", "can't read a.png: no such file"),
        ("see /home/me/pictures/cat.png, or (/etc/x/y)", "see cat.png, or (y)"),
        ("it is file:///var/lib/x/a.bin; ~/b/c.json", "it is a.bin; c.json"),
        ("in C:\\Users\\me\\a\\b.png and D:/x/y.png", "in b.png and y.png"),
        ("'/home/me' and /Users/me are folders", "'~' and ~ are folders"),
        ("comfyui:/home/me/draw.json@http://host/home/x/y", "comfyui:draw.json@http://host/home/x/y"),
        (
            "POST http://host/var/x/y and /v1/images/ab.png?size=1x1",
            "POST http://host/var/x/y and /v1/images/ab.png?size=1x1",
        ),
        ("a/home/b/c and 1/tmp/2 and ../tmp/x/y", "a/home/b/c and 1/tmp/2 and ../tmp/x/y"),
        ("can't read /home/me/My Pictures/a cat.png: no such file", "can't read a cat.png: no such file"),
        ("in C:\\Users\\Jane Doe\\My Pictures\\a.png now", "in a.png now"),
        ("open('C:\\\\Users\\\\Jane Doe\\\\a.png') and D:\\\\x\\\\y.png", "open('a.png') and y.png"),
        ("/mnt/c/Users/Jane Doe/b.png and /Users/jane doe/x/y.png", "b.png and y.png"),
        ("from /srv/data to /mnt/x/y", "from data to y"),
        ("\\\\server\\share\\jane\\a.png, '\\\\server\\b c\\d.png'", "a.png, 'd.png'"),
        ("\\\\?\\C:\\Users\\jane\\a.png and \\\\?\\UNC\\server\\share\\b.png", "a.png and b.png"),
        ("file:///C:/Users/jane/a.png FILE:///elsewhere/jane/b file:/any/jane/c", "a.png b c"),
        ("file://server/jane/a.png and file://localhost/home/jane/b.png", "a.png and b.png"),
        ("~jane/pictures/a.png, /workspace/jane/b.png", "a.png, b.png"),
        ("and/or a\\b, \\d+\\w, either a /b or c/d", "and/or a\\b, \\d+\\w, either a /b or c/d"),
        ("x /srv/a/b and c/d", "x b and c/d"),
        ("can't copy /srv/a/b to c/d, nor C:\\a\\b from c\\d", "can't copy b to c/d, nor b from c\\d"),
        ("/srv/Rock and Roll/a.png, /home/jane and co/x/b.png", "a.png, b.png"),
        ("C:\\Users\\jane and co\\b.png, /Users/jane or co/b.png", "b.png, b.png"),
        ("GET '/' and /v1/images, 'and/or'", "GET '/' and /v1/images, 'and/or'"),
    ],
)
def test_of_paths_the_names_alone_are_told(text: str, shown: str) -> None:
    assert without_folders(text) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("comfyui:/home/me/draw.json@http://host:1/a", "comfyui:draw.json@http://host:1/a"),
        ("comfyui:~/draw.json@http://host", "comfyui:draw.json@http://host"),
        ("diffusers:/srv/models/tiny", "diffusers:tiny"),
        ("diffusers:/srv/models/tiny/", "diffusers:tiny"),
        ("diffusers:C:\\models\\tiny", "diffusers:tiny"),
        ("replay:/tmp/run.jsonl", "replay:run.jsonl"),
        ("diffusers:somebody/model", "diffusers:somebody/model"),
        ("openai:gpt-5", "openai:gpt-5"),
        ("openai:m@http://host/v1", "openai:m@http://host/v1"),
        ("comfyui:http://host:8188", "comfyui:http://host:8188"),
        ("patchwork", "patchwork"),
    ],
)
def test_of_a_name_with_a_path_the_last_part_stays(name: str, shown: str) -> None:
    assert without_place(name) == shown
    assert without_place(shown) == shown


@pytest.mark.parametrize(
    "piece", ["/tmp/", "a ", "C:\\", "\\\\a\\", "~a/", "file:/", "/home/a ", "a b ", "' ", "/Users/a b/"], ids=repr
)
def test_a_long_text_is_read_in_a_time_that_grows_with_its_length(piece: str) -> None:
    def seconds(length: int) -> float:
        text = "/home/" + piece * (length // len(piece))
        began = time.process_time()
        without_folders(text)
        return time.process_time() - began

    assert seconds(80_000) < 20 * max(seconds(10_000), 0.005), "it has 8 times the length"

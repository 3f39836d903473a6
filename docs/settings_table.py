"""Prints the page of all settings, docs/settings.md, from their declaration: python -m docs.settings_table"""

from imagerag.declaration import GROUPS, Setting, declared_settings
from imagerag.settings import Settings

INTRODUCTION = """\
# Settings

<!-- Written by: python -m docs.settings_table > docs/settings.md (from the declarations in imagerag/settings.py) -->

Every setting can be given as a flag, as an environment variable or in a settings file (`--config FILE`). A flag goes
before a variable, a variable before the file, and the file before the default. `imagerag draw --help` lists the flags;
programs use the names as arguments of `imagerag.settings.Settings`.

A settings file is TOML, with the settings' names at top level:

```toml
max_seconds = 600
subject = ["me.png", "my-cat.png"]
vlm_text_only = true
```

A flag of a list is given once for each value. A variable has all of them, separated as the table says; a file has a
TOML list. Yes or no is a flag without a value, and `true`, `1`, `yes`, `false`, `0` or `no` in a variable.
"""

HEAD = """\
| Name, also in the file | Flag | Variable | Type and range | Default | Explanation |
|---|---|---|---|---|---|"""

PROGRAMS = """\
## For programs only

These have no flag, variable or file key.

| Name | Default | Explanation |
|---|---|---|"""


def page() -> str:
    """Return the page: one table per group of settings, and one of those that only programs set."""
    declared = list(declared_settings(Settings).values())
    lines = [INTRODUCTION]
    for group, title in GROUPS.items():
        rows = [_row(one) for one in declared if one.group == group and not one.program_only]
        lines += [f"## {title[:1].upper()}{title[1:]}", "", HEAD, *rows, ""]
    programs = [one for one in declared if one.program_only]
    lines += [PROGRAMS, *(f"| `{one.name}` | {one.shown_default} | {_explanation(one)} |" for one in programs)]
    return "\n".join(lines) + "\n"


def _row(declared: Setting) -> str:
    default = declared.shown_default
    shown = default if declared.default_text or default in ("none", "no") else f"`{default}`"
    if declared.choices:
        kind = " ".join(f"`{choice}`" for choice in declared.choices)
    else:
        kind = declared.noun + (f", {declared.valid}" if declared.valid else "")
    if declared.separator:
        kind += f"; separated by {declared.separator_text}"
    flag = declared.alias or declared.flag
    flag = flag if declared.kind is bool else f"{flag} {declared.metavar}"
    cells = [f"`{declared.name}`", f"`{flag}`", f"`{declared.variable}`", kind, shown, _explanation(declared)]
    return f"| {' | '.join(cells)} |"


def _explanation(declared: Setting) -> str:
    return f"{declared.help[:1].upper()}{declared.help[1:]}. {declared.details}".strip().replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")

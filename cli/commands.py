"""The table of commands, from which the parser, ``imagerag --help`` and the dispatch follow.

To add a command, add one entry: its name, what ``--help`` tells, the function that adds its arguments, and the module
and function that run it, which are imported when it is called.
"""

import argparse
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO, cast

from imagerag.cli import evaluation_options, options
from imagerag.cli.strict_parser import Parser

Runner = Callable[[argparse.Namespace, TextIO], int]


PRECEDENCE = """\
Every setting is also a variable (--max-steps is IMAGERAG_MAX_STEPS) and a name in the --config file (max_steps).
A flag goes before a variable, a variable before the file, the file before the default."""


def _parse_plainly(argv: Sequence[str], parser: Parser) -> argparse.Namespace:
    return parser.parse_args(list(argv))


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        name: the word that is typed.
        help: its line in the list of commands; begins with a verb, without a full stop.
        add_arguments: adds its own arguments to its parser.
        run: ``module:function``; the function takes the parsed options, in which ``command`` is the name, and standard
            output, and returns the exit status.
        epilog: what its ``--help`` tells last.
        parse: parses its arguments, where ``parse_args`` doesn't do.
        commands: its own commands; it has no arguments and no ``run`` then.
        default: the one of them that is meant where none is named.
        settings: what else its parser is made with.
    """

    name: str
    help: str
    add_arguments: Callable[[Parser], None] = lambda parser: None
    run: str = ""
    epilog: str = ""
    parse: Callable[[Sequence[str], Parser], argparse.Namespace] = _parse_plainly
    commands: tuple["Command", ...] = ()
    default: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def runner(self) -> Runner:
        """Import and return the function that runs it."""
        module, _, function = self.run.partition(":")
        return cast("Runner", getattr(importlib.import_module(module), function))


COMMANDS = (
    Command(
        "draw",
        'draw a prompt; the default, so imagerag "PROMPT" does the same',
        options.add_draw,
        "imagerag.cli.draw:draw",
        f"Words and flags may be mixed; everything after -- belongs to the prompt.\n\n{PRECEDENCE}",
        parse=options.parse_draw,
        settings=options.DRAW_PARSER,
    ),
    Command(
        "batch",
        "draw the prompts of a file, and make one page of all; goes on where it was ended",
        options.add_batch,
        "imagerag.cli.batch:batch",
        "FILE.txt has a prompt a line; FILE.csv a header of prompt and names of settings; FILE.jsonl objects.\n"
        "Exit status: 0 each row has an image, 1 some have none, 2 something has to be put right, 130 cancelled.\n\n"
        + PRECEDENCE
        + " What a row says goes before all.",
    ),
    Command(
        "eval",
        "draw the prompts of a suite in several ways, and tell which helps; goes on where it was ended",
        default="run",
        commands=(
            Command(
                "run",
                "draw and measure; the default",
                evaluation_options.add_eval,
                "imagerag.cli.evaluate:run_evaluation",
                "Exit status: 0 everything was drawn, 1 some drawings failed, 2 something has to be put right, "
                "130 cancelled.\n\n" + PRECEDENCE + " What an arm says goes before all.",
                settings={"usage": "imagerag eval run --suite NAME [options]"},
            ),
            Command(
                "compare",
                "compare two runs, or two arms of one, on the same prompts and seeds",
                evaluation_options.add_eval_compare,
                "imagerag.cli.evaluate:compare",
            ),
            Command(
                "label",
                "show pairs of a run's images in the browser, blind: which one is better",
                evaluation_options.add_eval_label,
                "imagerag.cli.evaluate_label:label",
                "Arrow keys answer. Each answer is kept at once; the same command goes on, and Ctrl-C ends.",
            ),
            Command(
                "report",
                "write the report of a run anew, as it stands and with its labels",
                evaluation_options.add_eval_report,
                "imagerag.cli.evaluate_label:report",
            ),
        ),
    ),
    Command(
        "replay",
        "draw an image again from the manifest it carries and compare the pixels",
        options.add_replay,
        "imagerag.cli.replay:replay",
        "Exit status: 0 identical, 1 different, 2 it can't be drawn again here.",
    ),
    Command(
        "inspect",
        "tell how a picture was made, as its file says, and whether it was changed since: manifest, XMP, C2PA",
        options.add_inspect,
        "imagerag.cli.inspect:inspect",
        "Asks no network. Exit status: 0 nothing speaks against what the file tells, 1 pixels were changed or a\n"
        "signature doesn't hold, 2 it can't be read or verified here, 3 without credentials.",
    ),
    Command(
        "credits",
        "print whom to thank for what a picture was drawn with, and what their licences ask",
        options.add_credits,
        "imagerag.cli.credits:credits",
    ),
    Command(
        "index",
        "maintain the index of reference images: add, remove, status, calibrate, verify, rebuild",
        commands=(
            Command(
                "add",
                "add pictures of your own; again and again, only what changed is embedded",
                options.add_index_add,
                "imagerag.cli.index:index",
                "SOURCE is a folder, file or https: address, a web source with words (openverse:'scarlet ibis'), or\n"
                "one of webdataset:, img2dataset:, hf-parquet:, csv: and jsonl: with a path or pattern, as in\n"
                "hf-parquet:shards/*.parquet; see also: imagerag plugins",
            ),
            Command(
                "remove",
                "take pictures of your own out of the index; the files themselves stay",
                options.add_index_remove,
                "imagerag.cli.index:index",
                "SOURCE is what was added, or a file or folder in it; imagerag index status lists the sources.",
            ),
            Command(
                "status",
                "print what is indexed, and with which model",
                options.add_index_status,
                "imagerag.cli.index:index",
            ),
            Command(
                "calibrate",
                "fit a model's critic and its look-up floor on your own pictures anew",
                options.add_index_calibrate,
                "imagerag.cli.index:index",
                "index add does it where the number of pictures has doubled; a minute on a CPU.",
            ),
            Command(
                "verify",
                "compare the search index with the pictures that are stored",
                options.add_index_verify,
                "imagerag.cli.index:index",
                "Exit status: 0 all is well, 1 there are problems, 2 something has to be put right first.",
            ),
            Command(
                "rebuild",
                "build the search index anew, without embedding again",
                options.add_index_rebuild,
                "imagerag.cli.index:index",
            ),
        ),
    ),
    Command(
        "threads",
        "list, show, rename, delete or export the conversations",
        default="list",
        commands=(
            Command(
                "list",
                "list the conversations, the one last gone on with first",
                options.add_threads_list,
                "imagerag.cli.threads:list_threads",
            ),
            Command(
                "show",
                "print the turns of a conversation, with images, scores and references",
                options.add_thread,
                "imagerag.cli.threads:show_thread",
            ),
            Command(
                "rename",
                "give a conversation another name",
                options.add_thread_rename,
                "imagerag.cli.threads:rename_thread",
            ),
            Command(
                "delete",
                "delete conversations, for good",
                options.add_threads_delete,
                "imagerag.cli.threads:delete_threads",
                "Images stay until imagerag gc --yes; copies elsewhere are yours.",
            ),
            Command(
                "export",
                "write a conversation to a new folder: a page, JSON, and the images",
                options.add_thread_export,
                "imagerag.cli.threads:export_thread",
            ),
        ),
    ),
    Command(
        "gc",
        "tell what of the data directory nothing needs any more, and remove it with --yes",
        options.add_gc,
        "imagerag.cli.gc:gc",
        "An image stays for a day in any case. Conversations that a checkpointer of your own keeps (a LangGraph\n"
        "server, Postgres) are not known here: images that only they refer to would go.",
    ),
    Command(
        "search",
        "look something up in the bundled library and your own pictures",
        options.add_search,
        "imagerag.cli.search:search",
        "Similarities are cosines; what lies below the look-up floor is left out.",
        parse=options.parse_search,
    ),
    Command(
        "mcp",
        "serve the tools to MCP clients, over standard input and output, or over HTTP at /mcp",
        options.add_mcp,
        "imagerag.cli.serve:serve_mcp",
        PRECEDENCE,
        settings={"usage": "imagerag mcp [options]"},
    ),
    Command(
        "serve",
        "serve OpenAI-compatible HTTP under /v1, the chat page, and MCP at /mcp if it is installed",
        options.add_serve,
        "imagerag.cli.serve:serve_http",
        PRECEDENCE,
        settings={"usage": "imagerag serve [options]"},
    ),
    Command(
        "web",
        "chat in the browser; the same server as serve",
        options.add_web,
        "imagerag.cli.serve:serve_http",
        PRECEDENCE,
        settings={"usage": "imagerag web [options]"},
    ),
    Command(
        "chat",
        "chat in the terminal; /help lists what can be typed",
        options.add_chat,
        "imagerag.cli.chat:chat",
        PRECEDENCE,
        settings={"usage": "imagerag chat [options]"},
    ),
    Command(
        "profiles",
        "list the profiles, with what each needs and what is lacking here; or show where each value comes from",
        default="list",
        commands=(
            Command(
                "list",
                "list the profiles, with what each needs, what is there and what is lacking",
                options.add_profiles_list,
                "imagerag.cli.profiles:list_profiles",
            ),
            Command(
                "show",
                "print each value that a run with these flags would have, and where it comes from",
                options.add_profiles_show,
                "imagerag.cli.profiles:show_profile",
                PRECEDENCE,
            ),
        ),
    ),
    Command(
        "doctor",
        "check what a profile needs, without drawing: device, packages, weights, keys, models, index, cost",
        options.add_doctor,
        "imagerag.cli.doctor:doctor",
        "Exit status: 0 nothing is wrong, 2 something is; each line says what mends it.\n\n" + PRECEDENCE,
    ),
    Command(
        "models",
        "list the local models with the recipe of each, or tell which recipe a model id or folder gets, and why",
        options.add_models,
        "imagerag.cli.models:list_models",
        "Of a model id only its configuration is downloaded, no weights.",
    ),
    Command(
        "plugins",
        "list the generators, critics, chat models, collections, searches and tools, built in and of packages",
        options.add_plugins,
        "imagerag.cli.plugins:list_plugins",
        "Exit status: 0 all can be loaded, 1 one can't.",
    ),
    Command(
        "completion",
        "print the script with which a shell completes commands, flags and files",
        options.add_completion,
        "imagerag.cli.completion:completion",
        "bash:        imagerag completion bash > ~/.local/share/bash-completion/completions/imagerag\n"
        "zsh:         imagerag completion zsh > DIR/_imagerag, with DIR in $fpath\n"
        "fish:        imagerag completion fish > ~/.config/fish/completions/imagerag.fish\n"
        "PowerShell:  imagerag completion powershell >> $PROFILE\n"
        "tcsh:        imagerag completion tcsh >> ~/.tcshrc",
    ),
)

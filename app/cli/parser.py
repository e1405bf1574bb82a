"""Arguments of the command line. Imports nothing heavy: `--help` must come at once."""

import argparse
from collections.abc import Sequence
from typing import Any, Final

from app.cli.arguments import Parser, actions, count, days, first_day, last_day, path, port
from app.cli.eval_parser import add_eval
from terakoya import __version__
from terakoya.catalogue import text

EFFORTS: Final = ("fast", "normal", "deep")
SECOND_MESSAGE: Final = ("queue", "merge", "interrupt", "reject")
LANGUAGES: Final = ("ja", "en")
QUANTIZATIONS: Final = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_K_S", "Q4_0", "Q3_K_M", "Q2_K")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command with its arguments; `module` names the module of this package that runs it.

    Raises:
        BadInput: They are wrong.
        SystemExit: Help or the version was asked for, and has been printed.
    """
    arguments = build().parse_args(argv)
    arguments.json = getattr(arguments, "json", False)
    return arguments


def build() -> argparse.ArgumentParser:
    """The parser, in the reader's language."""
    parser = Parser(prog="terakoya", description=text("cli.description"))
    parser.options.add_argument(
        "--version", action="version", version=f"terakoya {__version__}", help=text("cli.help_version")
    )
    commands = parser.add_subparsers(
        title=text("cli.title_commands"),
        metavar="COMMAND",
        dest="command",
        required=True,
        parser_class=Parser,
    )

    def command(name: str, module: str) -> Parser:
        made: Parser = commands.add_parser(
            name, help=text(f"cli.about_{name}"), description=text(f"cli.about_{name}")
        )
        made.set_defaults(module=module)
        return made

    _service(command("up", "up"), page=True)
    _service(command("serve", "serve"), page=False)
    _ingest(command("ingest", "ingest"))
    _search(command("search", "search"))
    _ask(command("ask", "ask"))
    _effort(command("chat", "chat"))
    add_eval(command("eval", "evaluate"))
    _notes(command("notes", "notes"))
    _memory(command("memory", "memory"))
    _thread(command("thread", "thread"))
    command("mcp", "mcp")
    _forget(command("forget", "forget"), "help_forget_what")
    for name in ("backup", "restore"):
        command(name, name).arguments.add_argument(
            "file", type=path, metavar="FILE", help=text(f"cli.help_{name}_file")
        )
    _trace(command("trace", "trace"))
    command("stats", "stats").options.add_argument(
        "--days", type=days, default=14, metavar="N", help=text("cli.help_days")
    )
    _feedback(command("feedback", "feedback"))
    _prompts(command("prompts", "prompts"))
    _model(command("model", "model"))
    command("doctor", "doctor")
    return parser


def _service(parser: Parser, *, page: bool) -> None:
    parser.options.add_argument("--port", type=port, metavar="N", help=text("cli.help_port"))
    if page:
        parser.options.add_argument("--page-port", type=port, metavar="N", help=text("cli.help_page_port"))
        parser.options.add_argument("--no-page", action="store_true", help=text("cli.help_no_page"))


def _ingest(parser: Parser) -> None:
    parser.arguments.add_argument("paths", nargs="+", type=path, metavar="PATH", help=text("cli.help_path"))
    parser.options.add_argument("--dry-run", action="store_true", help=text("cli.help_dry_run"))
    parser.options.add_argument("--watch", action="store_true", help=text("cli.help_watch"))
    parser.options.add_argument("--strict", action="store_true", help=text("cli.help_strict"))


def _search(parser: Parser) -> None:
    parser.arguments.add_argument("query", nargs="*", metavar="QUERY", help=text("cli.help_query"))
    parser.options.add_argument("-k", type=count, default=10, metavar="N", help=text("cli.help_k"))
    parser.options.add_argument("--explain", action="store_true", help=text("cli.help_explain"))
    parser.options.add_argument("--like", metavar="NOTE[:LINE]", help=text("cli.help_like"))
    _filter(parser)
    parser.options.add_argument("--batch", metavar="FILE|-", help=text("cli.help_batch"))


def _filter(parser: Parser) -> None:
    def option(name: str, **how: Any) -> None:
        parser.options.add_argument(f"--{name}", help=text(f"cli.help_{name}"), **how)

    option("folder", action="append", default=[], metavar="FOLDER")
    option("tag", action="append", default=[], metavar="TAG")
    option("language", action="append", default=[], choices=LANGUAGES)
    option("since", type=first_day, metavar="DAY")
    option("until", type=last_day, metavar="DAY")


def _ask(parser: Parser) -> None:
    parser.arguments.add_argument("query", nargs="*", metavar="QUESTION", help=text("cli.help_question"))
    _effort(parser)
    parser.options.add_argument(
        "--second-message", choices=SECOND_MESSAGE, help=text("cli.help_second_message")
    )
    parser.options.add_argument("--batch", metavar="FILE|-", help=text("cli.help_batch"))


def _effort(parser: Parser) -> None:
    parser.options.add_argument("--effort", choices=EFFORTS, help=text("cli.help_effort"))
    parser.options.add_argument("--thread", metavar="ID", help=text("cli.help_thread"))


def _notes(parser: Parser) -> None:
    action = actions(parser, "notes", required=False)
    action("list")
    show = action("show")
    show.arguments.add_argument("note", metavar="NOTE", help=text("cli.help_note"))
    show.options.add_argument("--tree", action="store_true", help=text("cli.help_tree"))
    show.options.add_argument("-n", "--number", action="store_true", help=text("cli.help_number"))
    alike = action("duplicates")
    alike.options.add_argument(
        "--similarity", type=float, default=0.8, metavar="PART", help=text("cli.help_similarity")
    )
    _forget(action("forget"), "help_forget")


def _trace(parser: Parser) -> None:
    action = actions(parser, "trace", required=True)
    listed = action("list")
    listed.options.add_argument(
        "-n", "--number", type=count, default=20, metavar="N", help=text("cli.help_trace_count")
    )
    for name in ("show", "replay"):
        action(name).arguments.add_argument("id", metavar="ID", help=text("cli.help_trace_id"))


def _forget(parser: Parser, what: str) -> None:
    metavar = "NOTE|FOLDER" if what == "help_forget" else "NOTE|FOLDER|THREAD"
    parser.arguments.add_argument("what", metavar=metavar, help=text(f"cli.{what}"))
    parser.options.add_argument("--dry-run", action="store_true", help=text("cli.help_forget_dry"))


def _thread(parser: Parser) -> None:
    action = actions(parser, "thread", required=False)
    listed = action("list")
    listed.options.add_argument("--unfinished", action="store_true", help=text("cli.help_thread_unfinished"))
    listed.options.add_argument(
        "-n", "--number", type=count, default=20, metavar="N", help=text("cli.help_thread_count")
    )
    action("show").arguments.add_argument("id", metavar="ID", help=text("cli.help_thread_id"))
    for name in ("resume", "drop"):
        action(name).arguments.add_argument("id", metavar="ID", help=text("cli.help_thread_left"))


def _memory(parser: Parser) -> None:
    action = actions(parser, "memory", required=False)
    action("list")
    forget = action("forget")
    forget.arguments.add_argument("number", type=count, metavar="NUMBER", help=text("cli.help_fact"))


def _model(parser: Parser) -> None:
    action = actions(parser, "model", required=True)
    action("list")
    pull = action("pull")
    pull.arguments.add_argument("model", metavar="NAME|URL", help=text("cli.help_model_pull"))
    pull.options.add_argument("--sha256", metavar="HEX", help=text("cli.help_model_sha256"))
    pull.options.add_argument("--name", metavar="NAME", help=text("cli.help_model_name"))
    use = action("use")
    use.arguments.add_argument("models", nargs="+", metavar="MODEL", help=text("cli.help_model_use"))
    verify = action("verify")
    verify.arguments.add_argument("model", metavar="MODEL", help=text("cli.help_model_local"))
    remove = action("remove")
    remove.arguments.add_argument("model", metavar="NAME", help=text("cli.help_model_remove"))
    remove.options.add_argument("--force", action="store_true", help=text("cli.help_model_force"))
    bench = action("bench")
    bench.arguments.add_argument("models", nargs="*", metavar="MODEL", help=text("cli.help_model_bench"))
    for name, default in (("prompt", 256), ("output", 64), ("rounds", 3)):
        bench.options.add_argument(
            f"--{name}", type=count, default=default, metavar="N", help=text(f"cli.help_bench_{name}")
        )
    perplexity = action("perplexity")
    perplexity.arguments.add_argument("models", nargs="+", metavar="MODEL", help=text("cli.help_model_local"))
    perplexity.options.add_argument(
        "--text", type=path, required=True, metavar="FILE", help=text("cli.help_perplexity_text")
    )
    perplexity.options.add_argument(
        "--window", type=count, default=512, metavar="N", help=text("cli.help_perplexity_window")
    )
    perplexity.options.add_argument(
        "--no-overlap", action="store_true", help=text("cli.help_perplexity_apart")
    )
    quantize = action("quantize")
    quantize.arguments.add_argument("model", metavar="MODEL", help=text("cli.help_model_local"))
    quantize.arguments.add_argument(
        "type", choices=QUANTIZATIONS, metavar="TYPE", help=text("cli.help_quantize_type")
    )
    quantize.options.add_argument("--to", type=path, metavar="FILE", help=text("cli.help_quantize_to"))
    quantize.options.add_argument("--again", action="store_true", help=text("cli.help_quantize_again"))


def _feedback(parser: Parser) -> None:
    action = actions(parser, "feedback", required=False)
    given = action("list")
    given.options.add_argument("--down", action="store_true", help=text("cli.help_feedback_down"))
    given.options.add_argument(
        "-n", "--number", type=count, default=20, metavar="N", help=text("cli.help_feedback_count")
    )
    promote = action("promote")
    promote.arguments.add_argument("id", metavar="ID", help=text("cli.help_feedback_id"))
    options = promote.options
    options.add_argument(
        "--suite", type=path, required=True, metavar="SUITE", help=text("cli.help_feedback_suite")
    )
    options.add_argument(
        "--expected", action="append", default=[], metavar="TEXT", help=text("cli.help_feedback_expected")
    )
    options.add_argument(
        "--passage",
        action="append",
        default=[],
        metavar="SOURCE:LINE",
        help=text("cli.help_feedback_passage"),
    )
    options.add_argument("--unanswerable", action="store_true", help=text("cli.help_feedback_unanswerable"))
    options.add_argument("--must-pass", action="store_true", help=text("cli.help_feedback_must_pass"))
    options.add_argument("--case", default="", metavar="ID", help=text("cli.help_feedback_case"))


def _prompts(parser: Parser) -> None:
    action = actions(parser, "prompts", required=False)
    made = {name: action(name) for name in ("list", "push", "pull", "diff")}
    for name, each in made.items():
        if name != "list":
            each.arguments.add_argument("names", nargs="*", metavar="NAME", help=text("cli.help_prompt"))
        each.options.add_argument("--label", metavar="LABEL", help=text("cli.help_label"))
    made["push"].options.add_argument(
        "-m", "--message", default="", metavar="TEXT", help=text("cli.help_message")
    )
    made["pull"].options.add_argument("--to", type=path, metavar="FOLDER", help=text("cli.help_prompts_to"))

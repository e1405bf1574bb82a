"""Arguments of the command line. Imports nothing heavy: `--help` must come at once."""

import argparse
import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, NoReturn

from terakoya import __version__
from terakoya.catalogue import text
from terakoya.errors import BadInput

EFFORTS: Final = ("fast", "normal", "deep")
LANGUAGES: Final = ("ja", "en")
QUANTIZATIONS: Final = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_K_S", "Q4_0", "Q3_K_M", "Q2_K")
SUITE_KINDS: Final = ("squad", "csv", "beir", "langfuse")

# argparse speaks English only; these are the complaints that its reader meets.
_COMPLAINTS: Final = {
    "usage_missing": r"the following arguments are required: (?P<what>.*)",
    "usage_unknown": r"unrecognized arguments: (?P<what>.*)",
    "usage_value": r"argument (?P<what>\S+): expected .*",
    "usage_choice": r"argument (?P<what>[^:]+): invalid [^:]+: (?P<value>.*?)(?: \(choose .*\))?",
}


class _Formatter(argparse.HelpFormatter):
    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        super().add_usage(usage, actions, groups, text("cli.usage") if prefix is None else prefix)


class _Parser(argparse.ArgumentParser):
    def __init__(self, **settings: Any) -> None:
        super().__init__(add_help=False, allow_abbrev=False, formatter_class=_Formatter, **settings)
        self.arguments = self.add_argument_group(text("cli.title_arguments"))
        self.options = self.add_argument_group(text("cli.title_options"))
        self.options.add_argument("-h", "--help", action="help", help=text("cli.help_help"))
        self.options.add_argument(
            "--home", type=Path, default=argparse.SUPPRESS, metavar="DIR", help=text("cli.help_home")
        )
        self.options.add_argument(
            "--json", action="store_true", default=argparse.SUPPRESS, help=text("cli.help_json")
        )

    def error(self, message: str) -> NoReturn:
        for key, pattern in _COMPLAINTS.items():
            if match := re.fullmatch(pattern, message, re.DOTALL):
                message = text(f"cli.{key}", **match.groupdict())
                break
        raise BadInput("usage", message=message, command=self.prog)


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
    parser = _Parser(prog="terakoya", description=text("cli.description"))
    parser.options.add_argument(
        "--version", action="version", version=f"terakoya {__version__}", help=text("cli.help_version")
    )
    commands = parser.add_subparsers(
        title=text("cli.title_commands"),
        metavar="COMMAND",
        dest="command",
        required=True,
        parser_class=_Parser,
    )

    def command(name: str, module: str) -> _Parser:
        made: _Parser = commands.add_parser(
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
    _eval(command("eval", "evaluate"))
    _notes(command("notes", "notes"))
    _memory(command("memory", "memory"))
    command("mcp", "mcp")
    _forget(command("forget", "forget"), "help_forget_what")
    for name in ("backup", "restore"):
        command(name, name).arguments.add_argument(
            "file", type=Path, metavar="FILE", help=text(f"cli.help_{name}_file")
        )
    _trace(command("trace", "trace"))
    command("stats", "stats").options.add_argument(
        "--days", type=_count, default=14, metavar="N", help=text("cli.help_days")
    )
    _feedback(command("feedback", "feedback"))
    _prompts(command("prompts", "prompts"))
    _model(command("model", "model"))
    command("doctor", "doctor")
    return parser


def _service(parser: _Parser, *, page: bool) -> None:
    parser.options.add_argument("--port", type=_port, metavar="N", help=text("cli.help_port"))
    if page:
        parser.options.add_argument("--page-port", type=_port, metavar="N", help=text("cli.help_page_port"))
        parser.options.add_argument("--no-page", action="store_true", help=text("cli.help_no_page"))


def _ingest(parser: _Parser) -> None:
    parser.arguments.add_argument("paths", nargs="+", type=Path, metavar="PATH", help=text("cli.help_path"))
    parser.options.add_argument("--dry-run", action="store_true", help=text("cli.help_dry_run"))
    parser.options.add_argument("--watch", action="store_true", help=text("cli.help_watch"))
    parser.options.add_argument("--strict", action="store_true", help=text("cli.help_strict"))


def _search(parser: _Parser) -> None:
    parser.arguments.add_argument("query", nargs="*", metavar="QUERY", help=text("cli.help_query"))
    parser.options.add_argument("-k", type=_count, default=10, metavar="N", help=text("cli.help_k"))
    parser.options.add_argument("--explain", action="store_true", help=text("cli.help_explain"))
    parser.options.add_argument("--like", metavar="NOTE[:LINE]", help=text("cli.help_like"))
    _filter(parser)
    parser.options.add_argument("--batch", metavar="FILE|-", help=text("cli.help_batch"))


def _filter(parser: _Parser) -> None:
    def option(name: str, **how: Any) -> None:
        parser.options.add_argument(f"--{name}", help=text(f"cli.help_{name}"), **how)

    option("folder", action="append", default=[], metavar="FOLDER")
    option("tag", action="append", default=[], metavar="TAG")
    option("language", action="append", default=[], choices=LANGUAGES)
    option("since", type=_first_day, metavar="DAY")
    option("until", type=_last_day, metavar="DAY")


def _ask(parser: _Parser) -> None:
    parser.arguments.add_argument("query", nargs="*", metavar="QUESTION", help=text("cli.help_question"))
    _effort(parser)
    parser.options.add_argument("--batch", metavar="FILE|-", help=text("cli.help_batch"))


def _effort(parser: _Parser) -> None:
    parser.options.add_argument("--effort", choices=EFFORTS, help=text("cli.help_effort"))
    parser.options.add_argument("--thread", metavar="ID", help=text("cli.help_thread"))


def _notes(parser: _Parser) -> None:
    action = _actions(parser, "notes", required=False)
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


def _trace(parser: _Parser) -> None:
    action = _actions(parser, "trace", required=True)
    listed = action("list")
    listed.options.add_argument(
        "-n", "--number", type=_count, default=20, metavar="N", help=text("cli.help_trace_count")
    )
    for name in ("show", "replay"):
        action(name).arguments.add_argument("id", metavar="ID", help=text("cli.help_trace_id"))


def _forget(parser: _Parser, what: str) -> None:
    metavar = "NOTE|FOLDER" if what == "help_forget" else "NOTE|FOLDER|THREAD"
    parser.arguments.add_argument("what", metavar=metavar, help=text(f"cli.{what}"))
    parser.options.add_argument("--dry-run", action="store_true", help=text("cli.help_forget_dry"))


def _memory(parser: _Parser) -> None:
    action = _actions(parser, "memory", required=False)
    action("list")
    forget = action("forget")
    forget.arguments.add_argument("number", type=_count, metavar="NUMBER", help=text("cli.help_fact"))


def _model(parser: _Parser) -> None:
    action = _actions(parser, "model", required=True)
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
            f"--{name}", type=_count, default=default, metavar="N", help=text(f"cli.help_bench_{name}")
        )
    perplexity = action("perplexity")
    perplexity.arguments.add_argument("models", nargs="+", metavar="MODEL", help=text("cli.help_model_local"))
    perplexity.options.add_argument(
        "--text", type=Path, required=True, metavar="FILE", help=text("cli.help_perplexity_text")
    )
    perplexity.options.add_argument(
        "--window", type=_count, default=512, metavar="N", help=text("cli.help_perplexity_window")
    )
    perplexity.options.add_argument(
        "--no-overlap", action="store_true", help=text("cli.help_perplexity_apart")
    )
    quantize = action("quantize")
    quantize.arguments.add_argument("model", metavar="MODEL", help=text("cli.help_model_local"))
    quantize.arguments.add_argument(
        "type", choices=QUANTIZATIONS, metavar="TYPE", help=text("cli.help_quantize_type")
    )
    quantize.options.add_argument("--to", type=Path, metavar="FILE", help=text("cli.help_quantize_to"))
    quantize.options.add_argument("--again", action="store_true", help=text("cli.help_quantize_again"))


def _eval(parser: _Parser) -> None:
    action = _actions(parser, "eval", required=True)
    run = action("run")
    run.arguments.add_argument("suites", nargs="+", metavar="SUITE", help=text("cli.help_suite"))
    for option in ("baseline", "junit", "summary", "html"):
        run.options.add_argument(f"--{option}", type=Path, metavar="FILE", help=text(f"cli.help_{option}"))
    run.options.add_argument(
        "--target", default="local", metavar="local|service|COMMAND", help=text("cli.help_target")
    )
    run.options.add_argument(
        "--target-timeout", type=_count, default=300, metavar="SECONDS", help=text("cli.help_target_timeout")
    )
    run.options.add_argument(
        "--metrics", type=Path, action="append", default=[], metavar="FILE", help=text("cli.help_metrics")
    )
    run.options.add_argument("--judge", type=Path, metavar="GGUF", help=text("cli.help_judge"))
    run.options.add_argument(
        "--judge-repeats", type=_count, default=3, metavar="N", help=text("cli.help_judge_repeats")
    )
    run.options.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE[,VALUE]", help=text("cli.help_set")
    )
    run.options.add_argument("--fresh", action="store_true", help=text("cli.help_fresh"))
    run.options.add_argument("--langfuse", action="store_true", help=text("cli.help_langfuse"))
    history = action("history")
    history.arguments.add_argument("suite", nargs="?", metavar="SUITE", help=text("cli.help_history_suite"))
    history.options.add_argument(
        "-n", "--number", type=_count, default=20, metavar="N", help=text("cli.help_history_count")
    )
    compare = action("compare")
    for name in ("before", "after"):
        compare.arguments.add_argument(name, metavar="RUN", help=text(f"cli.help_compare_{name}"))
    compare.options.add_argument("--html", type=Path, metavar="FILE", help=text("cli.help_html"))
    accept = action("accept")
    accept.arguments.add_argument("runs", nargs="+", metavar="RUN", help=text("cli.help_accept"))
    accept.options.add_argument(
        "--baseline", type=Path, required=True, metavar="FILE", help=text("cli.help_accept_baseline")
    )
    tune = action("tune")
    tune.arguments.add_argument("suites", nargs="+", metavar="SUITE", help=text("cli.help_suite"))
    tune.options.add_argument("--metric", default="", metavar="NAME", help=text("cli.help_tune_metric"))
    tune.options.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE[,VALUE]", help=text("cli.help_tune_set")
    )
    tune.options.add_argument("--trials", type=_count, default=60, metavar="N", help=text("cli.help_trials"))
    tune.options.add_argument("--seed", type=int, default=0, metavar="N", help=text("cli.help_seed"))
    tune.options.add_argument("--to", type=Path, metavar="FILE", help=text("cli.help_tune_to"))
    arena = action("arena")
    arena.arguments.add_argument("suites", nargs="*", metavar="SUITE", help=text("cli.help_arena_suite"))
    arena.options.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE[,VALUE]", help=text("cli.help_arena_set")
    )
    arena.options.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="local|service|COMMAND",
        help=text("cli.help_arena_target"),
    )
    arena.options.add_argument(
        "--target-timeout", type=_count, default=300, metavar="SECONDS", help=text("cli.help_target_timeout")
    )
    arena.options.add_argument("--judge", type=Path, metavar="GGUF", help=text("cli.help_arena_judge"))
    arena.options.add_argument(
        "-n", "--number", type=_count, default=20, metavar="N", help=text("cli.help_duels")
    )
    arena.options.add_argument("--seed", default="", metavar="TEXT", help=text("cli.help_arena_seed"))
    export = action("export")
    export.options.add_argument(
        "--format", choices=("dpo", "sft"), required=True, help=text("cli.help_export_format")
    )
    export.options.add_argument("--to", type=Path, metavar="FILE", help=text("cli.help_export_to"))
    action("schema")
    made = action("import")
    made.arguments.add_argument(
        "kind", choices=SUITE_KINDS, metavar="KIND", help=text("cli.help_import_kind")
    )
    made.arguments.add_argument("path", type=Path, metavar="PATH", help=text("cli.help_import_path"))
    made.options.add_argument(
        "--to", type=Path, required=True, metavar="SUITE", help=text("cli.help_import_to")
    )
    made.options.add_argument("--notes", type=Path, metavar="FOLDER", help=text("cli.help_import_notes"))
    made.options.add_argument("--split", default="", metavar="NAME", help=text("cli.help_import_split"))
    made.options.add_argument("--limit", type=_count, metavar="N", help=text("cli.help_import_limit"))
    sync = action("sync")
    sync.arguments.add_argument("suite", type=Path, metavar="SUITE", help=text("cli.help_suite"))
    sync.options.add_argument("--dataset", default="", metavar="NAME", help=text("cli.help_sync_dataset"))
    sync.options.add_argument("--prefer", choices=("suite", "dataset"), help=text("cli.help_sync_prefer"))
    sync.options.add_argument("--dry-run", action="store_true", help=text("cli.help_sync_dry"))


def _feedback(parser: _Parser) -> None:
    action = _actions(parser, "feedback", required=False)
    given = action("list")
    given.options.add_argument("--down", action="store_true", help=text("cli.help_feedback_down"))
    given.options.add_argument(
        "-n", "--number", type=_count, default=20, metavar="N", help=text("cli.help_feedback_count")
    )
    promote = action("promote")
    promote.arguments.add_argument("id", metavar="ID", help=text("cli.help_feedback_id"))
    options = promote.options
    options.add_argument(
        "--suite", type=Path, required=True, metavar="SUITE", help=text("cli.help_feedback_suite")
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


def _prompts(parser: _Parser) -> None:
    action = _actions(parser, "prompts", required=False)
    made = {name: action(name) for name in ("list", "push", "pull", "diff")}
    for name, each in made.items():
        if name != "list":
            each.arguments.add_argument("names", nargs="*", metavar="NAME", help=text("cli.help_prompt"))
        each.options.add_argument("--label", metavar="LABEL", help=text("cli.help_label"))
    made["push"].options.add_argument(
        "-m", "--message", default="", metavar="TEXT", help=text("cli.help_message")
    )
    made["pull"].options.add_argument("--to", type=Path, metavar="FOLDER", help=text("cli.help_prompts_to"))


def _actions(parser: _Parser, command: str, *, required: bool) -> Callable[[str], _Parser]:
    """Gives `parser` actions; what comes back adds one by its name."""
    actions = parser.add_subparsers(
        title=text("cli.title_commands"),
        metavar="ACTION",
        dest="action",
        required=required,
        parser_class=_Parser,
    )

    def action(name: str) -> _Parser:
        about = text(f"cli.about_{command}_{name}")
        made: _Parser = actions.add_parser(name, help=about, description=about)
        return made

    return action


def _port(value: str) -> int:
    port = int(value)
    if not 0 <= port <= 65_535:
        raise ValueError(value)
    return port


def _first_day(value: str) -> date:
    """The day `2026-11-22`, or the first of the month `2026-11` or of the year `2026`."""
    return date.fromisoformat(_whole(value)[0])


def _last_day(value: str) -> date:
    """The day, or the last of the month or of the year."""
    return date.fromisoformat(_whole(value)[1])


def _whole(value: str) -> tuple[str, str]:
    """First and last day of what `value` names."""
    found = re.fullmatch(r"((?:19|2\d)\d\d)(?:-(\d\d)(-\d\d)?)?", value)
    if not found:
        raise ValueError(value)
    year, month, day = found.groups()
    if not month:
        return f"{year}-01-01", f"{year}-12-31"
    if day:
        return value, value
    return f"{value}-01", f"{value}-{monthrange(int(year), int(month))[1]}"


def _count(value: str) -> int:
    count = int(value)
    if count < 1:
        raise ValueError(value)
    return count

"""Arguments of `terakoya eval`."""

from typing import Final

from app.cli.arguments import Parser, actions, count, path
from terakoya.catalogue import text

SUITE_KINDS: Final = ("squad", "csv", "beir", "langfuse")


def add_eval(parser: Parser) -> None:
    """All actions of it."""
    action = actions(parser, "eval", required=True)
    run = action("run")
    run.arguments.add_argument("suites", nargs="+", metavar="SUITE", help=text("cli.help_suite"))
    for option in ("baseline", "junit", "summary", "html"):
        run.options.add_argument(f"--{option}", type=path, metavar="FILE", help=text(f"cli.help_{option}"))
    run.options.add_argument(
        "--target", default="local", metavar="local|service|COMMAND", help=text("cli.help_target")
    )
    run.options.add_argument(
        "--target-timeout", type=count, default=300, metavar="SECONDS", help=text("cli.help_target_timeout")
    )
    run.options.add_argument(
        "--metrics", type=path, action="append", default=[], metavar="FILE", help=text("cli.help_metrics")
    )
    run.options.add_argument("--judge", type=path, metavar="GGUF", help=text("cli.help_judge"))
    run.options.add_argument(
        "--judge-repeats", type=count, default=3, metavar="N", help=text("cli.help_judge_repeats")
    )
    run.options.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE[,VALUE]", help=text("cli.help_set")
    )
    run.options.add_argument("--fresh", action="store_true", help=text("cli.help_fresh"))
    run.options.add_argument("--langfuse", action="store_true", help=text("cli.help_langfuse"))
    history = action("history")
    history.arguments.add_argument("suite", nargs="?", metavar="SUITE", help=text("cli.help_history_suite"))
    history.options.add_argument(
        "-n", "--number", type=count, default=20, metavar="N", help=text("cli.help_history_count")
    )
    compare = action("compare")
    for name in ("before", "after"):
        compare.arguments.add_argument(name, metavar="RUN", help=text(f"cli.help_compare_{name}"))
    compare.options.add_argument("--html", type=path, metavar="FILE", help=text("cli.help_html"))
    accept = action("accept")
    accept.arguments.add_argument("runs", nargs="+", metavar="RUN", help=text("cli.help_accept"))
    accept.options.add_argument(
        "--baseline", type=path, required=True, metavar="FILE", help=text("cli.help_accept_baseline")
    )
    tune = action("tune")
    tune.arguments.add_argument("suites", nargs="+", metavar="SUITE", help=text("cli.help_suite"))
    tune.options.add_argument("--metric", default="", metavar="NAME", help=text("cli.help_tune_metric"))
    tune.options.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE[,VALUE]", help=text("cli.help_tune_set")
    )
    tune.options.add_argument("--trials", type=count, default=60, metavar="N", help=text("cli.help_trials"))
    tune.options.add_argument("--seed", type=int, default=0, metavar="N", help=text("cli.help_seed"))
    tune.options.add_argument("--to", type=path, metavar="FILE", help=text("cli.help_tune_to"))
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
        "--target-timeout", type=count, default=300, metavar="SECONDS", help=text("cli.help_target_timeout")
    )
    arena.options.add_argument("--judge", type=path, metavar="GGUF", help=text("cli.help_arena_judge"))
    arena.options.add_argument(
        "-n", "--number", type=count, default=20, metavar="N", help=text("cli.help_duels")
    )
    arena.options.add_argument("--seed", default="", metavar="TEXT", help=text("cli.help_arena_seed"))
    export = action("export")
    export.options.add_argument(
        "--format", choices=("dpo", "sft"), required=True, help=text("cli.help_export_format")
    )
    export.options.add_argument("--to", type=path, metavar="FILE", help=text("cli.help_export_to"))
    action("schema")
    made = action("import")
    made.arguments.add_argument(
        "kind", choices=SUITE_KINDS, metavar="KIND", help=text("cli.help_import_kind")
    )
    made.arguments.add_argument("path", type=path, metavar="PATH", help=text("cli.help_import_path"))
    made.options.add_argument(
        "--to", type=path, required=True, metavar="SUITE", help=text("cli.help_import_to")
    )
    made.options.add_argument("--notes", type=path, metavar="FOLDER", help=text("cli.help_import_notes"))
    made.options.add_argument("--split", default="", metavar="NAME", help=text("cli.help_import_split"))
    made.options.add_argument("--limit", type=count, metavar="N", help=text("cli.help_import_limit"))
    sync = action("sync")
    sync.arguments.add_argument("suite", type=path, metavar="SUITE", help=text("cli.help_suite"))
    sync.options.add_argument("--dataset", default="", metavar="NAME", help=text("cli.help_sync_dataset"))
    sync.options.add_argument("--prefer", choices=("suite", "dataset"), help=text("cli.help_sync_prefer"))
    sync.options.add_argument("--dry-run", action="store_true", help=text("cli.help_sync_dry"))

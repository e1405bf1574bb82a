"""`terakoya eval arena` and `terakoya eval export`: votes on answers without names, and what comes of them."""

import argparse
import json
import secrets
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.cli.cells import filled, one_line, width
from app.cli.entry import INTERRUPTED
from app.cli.interrupt import interruptible
from app.cli.session import Session
from terakoya.catalogue import text
from terakoya.errors import BadInput

if TYPE_CHECKING:
    from evals.arena import Duel, Reply, Standing, Verdict

END: Final = "q"
SKIP: Final = "s"
KEYS: Final = {"a": "a", "b": "b", "t": "tie", "x": "bad"}
_GAP: Final = "  "


def arena(session: Session, arguments: argparse.Namespace) -> int:
    """Shows two answers at a time and takes votes; without a suite, shows the leaderboard."""
    from app.arena import PERSON, Contest, cast, contestants, known_duels
    from evals import load_suites

    if not arguments.suites:
        return _leaderboard(session)
    settings, terminal = session.settings, session.terminal
    who = contestants(settings, arguments.set, arguments.target, timeout=arguments.target_timeout)
    suites = load_suites([Path(suite) for suite in arguments.suites])
    judged = unread = 0
    with ExitStack() as stack:
        pressed: Callable[[], bool] = lambda: False  # noqa: E731 - Ctrl-C at a prompt is an exception
        decide: Callable[[Duel], Verdict | None] = _Person(session)
        voter = PERSON
        if arguments.judge:
            from app.judging import LocalJudge
            from evals.arena import Referee

            judge = LocalJudge(arguments.judge, settings)
            stack.callback(judge.close)
            decide, voter = Referee(judge).verdict, f"judge:{arguments.judge.stem}"
            pressed = stack.enter_context(interruptible(lambda: terminal.note(text("cli.stopping"))))
        contest = Contest(
            suites,
            who,
            seed=arguments.seed or secrets.token_hex(8),
            known=known_duels(settings, voter),
            say=terminal.note,
        )
        duels = contest.duels()
        stack.callback(duels.close)
        code = 0
        try:
            while judged < arguments.number and not pressed() and (duel := next(duels, None)):
                verdict = decide(duel)
                if verdict is None:
                    unread += bool(arguments.judge)
                    continue
                judged += 1
                cast(settings, duel.voted(verdict, voter))
                _reveal(session, duel, verdict)
        except (_Enough, EOFError):
            pass
        except KeyboardInterrupt:
            code = INTERRUPTED
        if pressed():
            code = INTERRUPTED
    terminal.note(text("eval.arena_done", votes=judged, same=contest.same))
    if unread:
        terminal.note(text("eval.arena_unread", count=unread))
    if contest.failed:
        terminal.note(text("eval.arena_failed", count=len(contest.failed), message=contest.failed[-1]))
    if judged:
        _leaderboard(session)
    elif unread and not code:
        raise BadInput("eval_judge_rubbish", path=arguments.judge, count=unread)
    return code


def export(session: Session, arguments: argparse.Namespace) -> int:
    """Writes votes and thumbs as preferences to train a model on."""
    from app.evaluating import history_path
    from app.outputs import prepare_output, write_output
    from evals.arena import Ballots
    from evals.arena.preferences import Rated, lines
    from evals.history import History

    votes = []
    if (path := history_path(session.settings)).exists():
        with History(path) as history:
            votes = Ballots(history).votes()
    with session.backend() as backend:
        thumbs = [
            Rated(
                question=r.question, answer=r.answer, up=r.value == 1, comment=r.comment, trace_id=r.trace_id
            )
            for r in backend.rated()
        ]
    written = list(lines(arguments.format, votes, thumbs))
    if arguments.to is None:
        for line in written:
            sys.stdout.write(line)
        sys.stdout.flush()
    else:
        prepare_output(arguments.to)
        write_output(arguments.to, "".join(written).encode())
    session.terminal.note(
        text(
            "eval.exported", lines=len(written), votes=len(votes), thumbs=len(thumbs), format=arguments.format
        )
    )
    return 0


class _Enough(Exception):
    """The voter wants no more."""


class _Person:
    """Shows two answers, and reads which is better."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._number = 0

    def __call__(self, duel: "Duel") -> "Verdict | None":
        from evals.arena.duel import VERDICTS

        terminal = self._session.terminal
        self._number += 1
        if terminal.json:
            shown = [_fields(reply) for reply in duel.shown]
            shape = {"type": "duel", "question": duel.question, "a": shown[0], "b": shown[1]}
            terminal.piece(json.dumps(shape, ensure_ascii=False) + "\n")
        else:
            terminal.say()
            terminal.say(
                text("eval.arena_question", number=self._number, question=duel.question), style="bold"
            )
            for side, reply in zip("AB", duel.shown, strict=True):
                terminal.say()
                terminal.say(f"[{side}]", style="bold cyan")
                terminal.say(reply.answer)
                for c in reply.citations:
                    terminal.say(f"    {c.source}:{c.start_line}-{c.end_line}", style="dim")
        while True:
            if not terminal.json:
                terminal.note(text("eval.arena_ask"))
            line = sys.stdin.readline()
            if not line:
                raise EOFError
            said = line.strip().lower()
            if said == END:
                raise _Enough
            if said == SKIP:
                return None
            chosen = KEYS.get(said, said)
            for verdict in VERDICTS:
                if chosen == verdict:
                    return verdict
            terminal.note(text("eval.arena_unknown", said=said))


def _fields(reply: "Reply") -> dict[str, object]:
    """What a voter may see: not which model it was."""
    return {
        "answer": reply.answer,
        "answered": reply.answered,
        "citations": [
            {"source": c.source, "start_line": c.start_line, "end_line": c.end_line, "quote": c.quote}
            for c in reply.citations
        ],
    }


def _reveal(session: Session, duel: "Duel", verdict: "Verdict") -> None:
    left, right = duel.shown_names
    if session.terminal.json:
        line = {"type": "vote", "question": duel.question, "verdict": verdict, "a": left, "b": right}
        session.terminal.piece(json.dumps(line, ensure_ascii=False) + "\n")
    else:
        session.terminal.say(
            text("eval.arena_reveal", verdict=text(f"eval.arena_{verdict}"), a=left, b=right)
        )


def _leaderboard(session: Session) -> int:
    from app.evaluating import history_path
    from evals.arena import Ballots
    from evals.history import History
    from terakoya.errors import NotFound

    path = history_path(session.settings)
    if not path.exists():
        raise NotFound("eval_no_votes")
    with History(path) as history:
        votes = Ballots(history).votes()
        standings = Ballots(history).standings()
    if not standings:
        raise NotFound("eval_no_votes")
    if session.terminal.json:
        for standing in standings:
            session.terminal.piece(
                json.dumps({"type": "standing", **asdict(standing)}, ensure_ascii=False) + "\n"
            )
        return 0
    voters: dict[str, int] = {}
    for vote in votes:
        voters[vote.voter] = voters.get(vote.voter, 0) + 1
    session.terminal.say()
    session.terminal.say(
        text("eval.arena_board", votes=len(votes), voters=", ".join(f"{v} {n}" for v, n in voters.items())),
        style="bold",
    )
    titles = ("rank", "name", "points", "certain", "wins", "losses", "ties")
    rows = [[text(f"eval.column_{title}") for title in titles]]
    rows += [_cells(n, standing) for n, standing in enumerate(standings, 1)]
    sizes = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            filled(cell, size, right=n != 1) for n, (cell, size) in enumerate(zip(row, sizes, strict=True))
        ]
        session.terminal.say(_GAP.join(cells).rstrip())
    session.terminal.say(text("eval.arena_how"))
    if standings[0].bounded:
        session.terminal.say(text("eval.arena_bounded"))
    return 0


def _cells(rank: int, s: "Standing") -> list[str]:
    return [
        str(rank),
        one_line(s.name),
        f"{s.points:.0f}",
        f"[{s.low:.0f}, {s.high:.0f}]",
        str(s.wins),
        str(s.losses),
        str(s.ties),
    ]

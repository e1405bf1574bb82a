"""Duels: two answers to one question without names, votes on them, and the leaderboard."""

from typing import Literal

from pydantic import Field

from terakoya.api.asking import MAX_QUESTION, CitationModel
from terakoya.api.schema import Schema

MAX_SETTINGS = 1_000
"""Code points of the settings of one side."""


class DuelRequest(Schema):
    """A question for two sides: each what is set, as `search.candidates=20 passages=4`; empty as it is."""

    question: str = Field(max_length=MAX_QUESTION)
    first: str = Field(default="", max_length=MAX_SETTINGS)
    second: str = Field(default="", max_length=MAX_SETTINGS)


class DuelReply(Schema):
    """One of two answers, without whose it is."""

    answer: str
    answered: bool
    citations: list[CitationModel]


class Duel(Schema):
    """Two answers; `same` where no reader could tell them apart, and there is nothing to vote on."""

    duel_id: str
    question: str
    a: DuelReply
    b: DuelReply
    same: bool


class VoteRequest(Schema):
    """Which is better: `a`, `b`, both alike, or both bad."""

    verdict: Literal["a", "b", "tie", "bad"]


class Unveiled(Schema):
    """Who was who."""

    a: str
    b: str


class StandingModel(Schema):
    """A line of the leaderboard: strength on Elo's scale with its 95 % interval, and the votes behind it."""

    name: str
    points: float
    low: float
    high: float
    wins: int
    losses: int
    ties: int
    bad: int
    bounded: bool

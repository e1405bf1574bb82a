"""How the installation is used: questions by day, times by step, and the traces that are worth a look."""

from typing import Final

import streamlit as st

from terakoya.client import ServiceClient
from terakoya.errors import TerakoyaError
from ui.connection import draw_error, fresh
from ui.markup import plain
from ui.views import leave
from ui.wording import say

_SPANS: Final = (7, 14, 30, 90)


def draw_statistics(client: ServiceClient) -> None:
    """All of the view."""
    st.button(
        say("stats_back"), key="stats_back", icon=":material/arrow_back:", type="tertiary", on_click=leave
    )
    st.markdown(f"### {say('stats_title')}", anchors=False)
    days = st.segmented_control(
        say("stats_span"),
        _SPANS,
        format_func=lambda days: say("stats_days", count=days),
        default=14,
        required=True,
        key="stats_span",
    )
    try:
        found = fresh(f"statistics:{days}", 10, lambda: client.statistics(days or 14))
    except TerakoyaError as error:
        draw_error(error)
        return
    totals = {
        name: sum(getattr(day, name) for day in found.days)
        for name in ("questions", "abstained", "errors", "up", "down", "input_tokens", "output_tokens")
    }
    with st.container(horizontal=True, gap="large", key="totals"):  # as many a line as the screen is wide
        for name, total in totals.items():
            if not total and name.endswith("_tokens"):  # no model was asked
                continue
            st.metric(say(f"stats_{name}"), f"{total:,}", width="content")
    st.bar_chart(
        {
            say("stats_day"): [day.day for day in found.days],
            say("stats_questions"): [day.questions for day in found.days],
            say("stats_abstained"): [day.abstained for day in found.days],
            say("stats_errors"): [day.errors for day in found.days],
        },
        x=say("stats_day"),
        y=[say("stats_questions"), say("stats_abstained"), say("stats_errors")],
        color=["#4a7ebf", "#d99a00", "#c0392b"],  # to be told apart on light and on dark
        stack=False,
        height=320,
    )
    if found.steps:
        st.markdown(f"#### {say('stats_steps')}", anchors=False)
        st.dataframe(
            [
                {
                    say("stats_step"): step.name,
                    say("stats_count"): step.count,
                    "p50 ms": step.p50,
                    "p90 ms": step.p90,
                    "p99 ms": step.p99,
                }
                for step in found.steps
            ],
            hide_index=True,
        )
    if found.noted:
        st.markdown(f"#### {say('stats_noted')}", anchors=False)
        for each in found.noted:
            link = f" · [Langfuse]({each.link})" if each.link else ""
            why = say(f"stats_why_{each.why}")
            st.markdown(
                f"{plain(each.question)}  \n:small[`{each.trace_id[:12]}` · {why} · {each.milliseconds:,.0f} ms{link}]"
            )

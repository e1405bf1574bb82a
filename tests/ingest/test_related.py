"""Related passages: what is about the same comes first, by words and, where there are vectors, by meaning."""

import numpy as np
import pytest

from ingest.nearest import insert
from ingest.related import NAMED, Related
from ingest.store import Store
from terakoya.errors import BadInput, NotFound
from terakoya.text.analyser import Analyser

SECTIONS = {
    "tcp": "TCP keeps the order of bytes with sequence numbers and acknowledgements.",
    "http": "HTTP sends requests over TCP and waits for the order of replies.",
    "tea": "Tea is steeped in hot water for three minutes.",
    "green": "Green tea wants water below the boiling point, steeped briefly.",
}
FILES = {
    "network.md": "".join(f"# {name}\n\n{SECTIONS[name]}\n\n" for name in ("tcp", "tea")),
    "web.md": f"# http\n\n{SECTIONS['http']}\n",
    "drinks.md": f"# green\n\n{SECTIONS['green']}\n",
    "茶.md": "# 茶\n\n緑茶は低い温度の湯でいれる。\n\n# 抹茶\n\n抹茶は湯でたてる茶である。\n",
}


@pytest.fixture
def related(store: Store, analyser: Analyser, write, sync) -> Related:
    sync(write(FILES))
    return Related(store, analyser)


def sources(related: Related, source: str, line: int | None = None, **how) -> list[str]:
    return [hit.passage.source for hit in related.like(source, line, **how).hits]


@pytest.mark.parametrize(("line", "like"), [(3, "web.md"), (7, "drinks.md")])
def test_the_passage_at_the_line_decides(related: Related, store: Store, line: int, like: str) -> None:
    if len(store.note("network.md").passages) > 1:
        assert sources(related, "network.md", line)[0] == like


def test_neither_the_passage_itself_nor_its_note_comes(related: Related) -> None:
    for source in FILES:
        assert source not in sources(related, source)
    ranking = related.like("web.md", 3)
    assert all(hit.passage.source != "web.md" for hit in ranking.hits)


def test_passages_beside_it_do_not_come_and_others_of_its_note_do(
    store: Store, analyser: Analyser, write, sync
) -> None:
    text = "".join(f"# Part {n}\n\n{'The lattice of alloys melts. ' * 80}\n\n" for n in range(5))
    sync(write({"long.md": text}))
    passages = store.note("long.md").passages
    assert len(passages) >= 5
    hits = Related(store, analyser).like("long.md", 1).hits
    starts = {hit.passage.start for hit in hits}
    assert starts.isdisjoint(start for start, _ in passages[:2])
    assert starts


def test_the_ranking_names_the_words_that_it_went_by(related: Related) -> None:
    ranking = related.like("web.md", 3)
    words = ranking.query.split()
    assert 0 < len(words) <= NAMED
    assert {"http", "requests"} <= {word.lower() for word in words}


def test_scores_lie_between_0_and_1_and_fall(related: Related) -> None:
    for source in FILES:
        scores = [hit.score for hit in related.like(source, None).hits]
        assert scores == sorted(scores, reverse=True)
        assert all(0 < score <= 1 for score in scores)


def test_k_is_the_number_of_passages(related: Related) -> None:
    assert len(sources(related, "web.md", k=2)) == 2
    with pytest.raises(BadInput, match="-k"):
        related.like("web.md", None, k=0)


def test_a_line_between_passages_means_the_nearest(related: Related) -> None:
    assert sources(related, "web.md", 2) == sources(related, "web.md", 3)


@pytest.mark.parametrize(("line", "said"), [(0, "from 1"), (10**6, "web.md` has 4 lines")])
def test_a_line_that_a_note_does_not_have_is_refused(related: Related, line: int, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        related.like("web.md", line)


def test_a_note_that_is_not_there_is_named(related: Related) -> None:
    with pytest.raises(NotFound, match="nothing"):
        related.like("nothing.md", 1)


def test_a_note_without_text_is_like_nothing(store: Store, analyser: Analyser, write, sync) -> None:
    sync(write({**FILES, "empty.md": ""}))
    assert Related(store, analyser).like("empty.md", 1).hits == ()


def test_where_there_are_vectors_meaning_counts_as_much_as_words(
    related: Related, store: Store, write, sync
) -> None:
    plain = {hit.passage.id: hit.score for hit in related.like("web.md", None).hits}
    with store.transaction() as cursor:
        found = cursor.execute("SELECT id, text FROM chunks WHERE language = 'en'").fetchall()
        vectors = [np.array([[1.0, 0.0] if "TCP" in text else [0.6, 0.8]], np.float32) for _, text in found]
        insert(cursor, [number for number, _ in found], vectors)
    ranking = related.like("web.md", None)
    assert ranking.arms == ("lexical", "vector")
    for hit in ranking.hits:
        if hit.passage.language == "en":
            meaning = 1.0 if "TCP" in hit.passage.text else 0.6
            assert hit.arms["vector"] == pytest.approx(meaning, abs=1e-6)
            assert hit.score == pytest.approx((hit.arms.get("lexical", 0.0) + meaning) / 2, abs=1e-6)
        else:
            assert hit.score == plain[hit.passage.id]
    assert np.argmax([hit.arms.get("vector", 0) for hit in ranking.hits]) == 0


def test_of_passages_with_the_same_words_the_first_come_first(
    store: Store, analyser: Analyser, write, sync
) -> None:
    text = "The lattice of alloys melts at a temperature that depends on their tin.\n"
    sync(write({"asked.md": text} | {f"copy-{n}.md": text for n in range(9)}))
    order = [
        path
        for (path,) in store.rows("SELECT n.path FROM chunks c JOIN notes n ON n.id = c.note ORDER BY c.id")
    ]
    found = sources(Related(store, analyser), "asked.md", k=5)
    assert found == [path for path in order if path != "asked.md"][:5]

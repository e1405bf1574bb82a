"""What of a query stands in a passage: shares that mean what they say, whatever the text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.fusion import USUAL, Background, by_words, fused
from ingest.lexical import LexicalIndex
from ingest.matching import Shares, match, runs_of
from ingest.search import HybridRetriever
from ingest.sequence import TermSequence, context_of, index
from ingest.store import Store
from terakoya.text.analyser import Analyser
from terakoya.text.normalise import fold

ANALYSER = Analyser()
TEXTS = st.lists(
    st.sampled_from(
        [
            "光合成は葉緑体で行われる。",
            "GPU使用率",
            "第45回",
            "a **bold** word.",
            "\n",
            "\t",
            "2024/02/13",
            "|a|b|",
            "[",
        ]
    )
    | st.text(st.characters(codec="utf-8"), max_size=12),
    max_size=8,
).map("".join)


def shares(store: Store, query: str, text: str, context: str = "") -> Shares:
    found = LexicalIndex(store, ANALYSER).find(query)
    (number,) = store.rows("SELECT id FROM chunks ORDER BY id LIMIT 1")[0]
    sequence = TermSequence.of(context, text, ANALYSER)
    return match(found.query, found.held([number])[number], sequence, fold(f"{context}\n{text}"))


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
def test_a_sequence_comes_back_as_it_was_kept(context: str, text: str) -> None:
    indexed = index(context, text, ANALYSER)
    assert TermSequence.decode(indexed.sequence.encode()) == indexed.sequence
    assert indexed.words.total() == len(list(indexed.sequence.forms()))


def test_words_of_one_sentence_and_neighbours_count_for_more(store: Store, write, sync) -> None:
    together = "The red car stands there. Nobody knows why."
    apart = "The red house stands there. Nobody drives a car."
    sync(write({"a.md": together, "b.md": apart}))
    query = "red car"
    one, other = shares(store, query, together), shares(store, query, apart)
    assert one.sentence == pytest.approx(1.0)
    assert one.neighbours > 0.3
    assert other.sentence < 0.8
    assert other.neighbours == 0.0


def test_what_stands_above_a_passage_counts_in_each_of_its_sentences(store: Store, write, sync) -> None:
    sync(write({"a.md": "# 光合成\n\n- 葉緑体で行われる\n"}))
    found = shares(store, "光合成 葉緑体", "葉緑体で行われる", context="光合成")
    assert found.sentence == pytest.approx(1.0)


def test_runs_are_those_of_japanese_text_within_marks() -> None:
    assert runs_of("第45回、English text。") == ["第45回"]
    assert runs_of("光合成「葉緑体の膜」") == ["葉緑体の", "緑体の膜"]
    assert runs_of("only English words") == []
    assert len(runs_of("あいうえおかきくけこ" * 1000)) <= 256


@settings(max_examples=100, deadline=None)
@given(words=st.floats(0, 1), japanese=st.floats(0, 1), others=st.tuples(*[st.floats(0, 1)] * 6))
def test_the_lexical_score_is_a_share(words: float, japanese: float, others: tuple[float, ...]) -> None:
    grams, passage, sentence, neighbours, runs, characters = others
    given_shares = Shares(
        words=words,
        grams=grams,
        passage=passage,
        sentence=sentence,
        neighbours=neighbours,
        runs=runs,
        characters=characters,
    )
    assert 0.0 <= by_words(given_shares, japanese) <= 1.0 + 1e-9


def test_what_an_embedder_cannot_read_is_neither_lifted_nor_sunk() -> None:
    ranked = [0.1, 0.35, 0.8]
    unread = [fused(words, None, USUAL) for words in ranked]
    assert unread == sorted(unread)
    near, far = fused(0.5, 0.6, USUAL), fused(0.5, 0.05, USUAL)
    assert far < fused(0.5, None, USUAL) < near


def test_similarity_means_the_same_for_embedders_of_other_spread() -> None:
    narrow = Background(mean=0.8, spread=0.02)
    assert fused(0.5, 0.86, narrow) == pytest.approx(fused(0.5, 0.33, USUAL))


def test_titles_stand_above_once() -> None:
    assert context_of("題", ("題", "節"), ("項目",)) == "題\n節\n項目"
    assert context_of("題", ("節",), ()) == "題\n節"


def test_an_english_question_among_japanese_notes_knows_its_common_words(
    store: Store, analyser: Analyser, write, sync
) -> None:
    japanese = {f"j{n}.md": f"日本語のノート{n}。今日は{n}ページ読んだ。" for n in range(60)}
    english = {
        f"e{n}.md": f"Note about topic number {n}. The topic is covered in lesson {n}." for n in range(12)
    }
    sync(write({**japanese, **english, "x.md": "The zebra is a striped animal of the savanna."}))
    hits = HybridRetriever(store, analyser, None).search("topic of the zebra").hits
    assert hits[0].passage.source == "x.md"


def test_chinese_characters_of_the_question_count_beside_its_words(store: Store, write, sync) -> None:
    sync(write({"a.md": "隣の大きな国から人が来る。", "b.md": "遠い島から船が来る。"}))
    near, far = shares(store, "隣国はどこ", "隣の大きな国から"), shares(store, "隣国はどこ", "遠い島から")
    assert (near.characters, far.characters) == (1.0, 0.0)
    assert HybridRetriever(store, ANALYSER, None).search("隣国から来る").hits[0].passage.source == "a.md"

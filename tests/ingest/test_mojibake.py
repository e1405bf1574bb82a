"""Mojibake: what is damaged is restored, what is sound is never touched."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.mojibake import Repaired, repair, repairing
from ingest.mojibake.brackets import balance
from ingest.mojibake.lattice import penalty, readings
from ingest.mojibake.lexicon import Lexicon, NoLexiconError, installed
from ingest.mojibake.pages import LOST, WESTERN

TRUTH = """\
# 機械学習の復習ノート

## 勾配降下法
- 損失関数の値が小さくなる方向へ、パラメータを少しずつ動かす方法である。
- 学習率が大きすぎると発散し、小さすぎるとなかなか終わらない。
- 「過学習」とは、訓練データだけによく合い、未知のデータで間違えることを言う。

| 用語 | 読み方 | 意味 |
|------|--------|------|
| 勾配 | こうばい | 関数が最も急に増える向き |
| 正則化 | せいそくか | 重みが大きくなりすぎるのを防ぐ |

```python
# 平均を求める関数
def mean(values):
    return sum(values) / len(values)
```

## 世界史（産業革命）
18世紀の後半、イギリスで綿工業の機械化が始まった。蒸気機関の改良によって、
工場は川のそばでなくても建てられるようになり、都市に人口が集中した。
その結果、労働者の生活環境は悪くなり、子どもまで長い時間働かされた。

## 生物：細胞のつくり 🎯
1. 核…遺伝情報を持つDNAが入っている。
2. ミトコンドリア…酸素を使って、養分からエネルギーを取り出す。
3. 葉緑体…光合成を行う。植物の細胞にはあるが、動物の細胞にはない。

> 試験前日のメモ：暗記だけではなく、なぜそうなるのかを自分の言葉で説明できるか確かめること。

## 簿記のまとめ
資産の増加は借方、負債の増加は貸方に書く。現金で商品を仕入れたときは、
仕入という費用が発生し、現金という資産が減る。決算では減価償却も忘れない。

## 英語の勉強法
毎朝三十分だけ音読する。知らない単語は辞書で調べ、例文ごとノートに写す。
聞き取れなかった部分は、もう一度ゆっくり聞く → 原文と比べる → 声に出して真似をする。

## ネットワーク
ブラウザはまず名前解決を行い、サーバーのアドレスを知る。次に接続を確立して、
リクエストを送る。応答が返らないときは、ルーターの設定とケーブルを確認する。
"""

ONE_LINE = "これは「学習」のメモです。don’t “quote” – 罫線 ─│┐ と矢印 → と絵文字 🎯🚀 もある。"

CLEAN = [
    "Le café était fermé – « déjà vu », où l’été à Orléans… Ça coûte 5 €. L’œuvre naïve, très âgée»",
    "Größe, Übung, „Straße“ und ‚Fuß‘ – für 20 °C; Prüfung über Äpfel…",
    "Şirket çalışanları için öğrenme ağı güncellendi; ığdır’da yağmur, şişe, “çığ”.",
    "Tiếng Việt có nhiều dấu: ấm, ướt, đường, Nguyễn, phở, Hà Nội – “Đà Nẵng”.",
    "São Paulo não é a capital; “corações” à mão, português: ação, pão, ÂNGULO, IRMÃ",
    "El niño comió piñas… ¿qué? ¡sí! «José» 1º 2ª",
    "Smörgåsbord på svenska: åäö är bokstäver. Blåbær på brød – ¼ l.",
    "Žluťoučký kůň úpěl ďábelské ódy; „léš“ ‘š’",
    "日本語の学習ノート。「引用」と『本』、（括弧）もある！？ ｶﾀｶﾅ ①②③ 〜～ −ー",
    "機械学習 machine learning 🎯🚀👨‍👩‍👧 ✅ ⚠️ → ⇒ ─│┐",
    "def f(x): return 'naïve' + \"ä\" * 3  # ± µ § ¶ © ® ™ £¥ ñ",
    "α² + β² ≤ γ², ∑ᵢ xᵢ·yᵢ, 25 °C ± 0.5 µm, ½ × ¾ ÷ ¼",
    "Ελληνικά και Русский текст, עברית, العربية, 한국어, 中文繁體縺",
    "é» è… à” ê– ç™ â€ ü’ ö» ä“",
]

NOTE_ABOUT = """\
# 文字化けの勉強
UTF-8 の「こんにちは」を Windows-1252 で読むと ã“ã‚“ã«ã¡ã¯ になる。
Shift_JIS で読むと「縺薙ｓ縺ｫ縺｡縺ｯ」のようになる。
"""

JAPANESE = st.text(
    alphabet="あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをんがぎぐ"
    "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンーッャュョ"
    "学習機械言語処理質問検索文章単語資料引用根拠試験勉強毎日復習暗記理解説明例題、。「」（）！？",
    min_size=8,
    max_size=60,
)


def read_as(text: str, page: str, *, also: bytes = b"") -> str:
    """`text` as it looks when its UTF-8 is read by `page`, with undefined bytes dropped."""
    raw = text.encode().translate(None, bytes(LOST.get(page, frozenset())) + also)
    return raw.decode(page)


def read_by_web(text: str) -> str:
    """The windows-1252 of browsers, which keeps undefined bytes as control characters."""
    return "".join(
        chr(byte) if byte in LOST["cp1252"] else bytes([byte]).decode("cp1252") for byte in text.encode()
    )


def shares(truth: str, damaged_bytes: frozenset[int], got: str) -> tuple[float, float]:
    """The share of all damaged characters, and of those that lost bytes, that `got` has right."""
    assert len(truth) == len(got)
    pairs = [(a, b) for a, b in zip(truth, got, strict=True) if not a.isascii()]
    lossy = [(a, b) for a, b in pairs if damaged_bytes & set(a.encode())]
    return sum(a == b for a, b in pairs) / len(pairs), sum(a == b for a, b in lossy) / len(lossy)


def repaired(text: str) -> Repaired:
    result = repair(text)
    assert result is not None
    return result


@pytest.mark.parametrize("text", [*CLEAN, "\n".join(CLEAN), TRUTH, ONE_LINE, NOTE_ABOUT, "", "plain ASCII\n"])
def test_sound_text_is_left_alone(text: str) -> None:
    assert repair(text) is None


WORDS = sorted({word for line in CLEAN[:-1] for word in line.split()})


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40), st.sampled_from([" ", "\n", ", "]))
@settings(max_examples=200, deadline=None)
def test_sound_words_in_any_order_are_left_alone(words: list[str], between: str) -> None:
    assert repair(between.join(words)) is None


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_keeps_its_lines(text: str) -> None:
    result = repair(text)
    assert result is None or result.text.count("\n") == text.count("\n")


@pytest.mark.parametrize("text", [TRUTH, ONE_LINE])
@pytest.mark.parametrize("damage", [lambda t: t.encode().decode("latin-1"), read_by_web])
def test_damage_that_kept_every_byte_is_undone_exactly(text: str, damage) -> None:
    result = repaired(damage(text))
    assert result.text == text
    assert not result.lossy
    assert result.doubtful == ()


@given(JAPANESE)
@settings(max_examples=100, deadline=None)
def test_any_japanese_line_survives_latin_1(text: str) -> None:
    assert repaired(text.encode().decode("latin-1")).text == text


@given(JAPANESE)
@settings(max_examples=100, deadline=None)
def test_japanese_that_passed_through_cp932_whole_comes_back(text: str) -> None:
    try:
        damaged = text.encode().decode("cp932")
    except UnicodeDecodeError:
        return
    result = repair(damaged)
    assert result is None or result.text == text


def test_text_misread_twice_is_repaired_twice() -> None:
    assert repaired(read_by_web(read_by_web(ONE_LINE))).text == ONE_LINE


@pytest.mark.parametrize("sound", ["don’t stop", "see page 3 – 5", "done 🎉 today", "a “word"])
def test_a_single_misread_sign_in_english_is_repaired(sound: str) -> None:
    assert repaired(read_by_web(sound)).text == sound


def test_only_the_damaged_lines_of_a_file_change() -> None:
    lines = TRUTH.split("\n")
    damaged = [read_by_web(line) if 3 <= i <= 6 else line for i, line in enumerate(lines)]
    assert repaired("\n".join(damaged)).text == TRUTH


def test_a_damaged_passage_inside_a_sound_line_is_repaired() -> None:
    sound = "先生の話。" + "学習ノートの見本" + "。以上、été comme ça"
    damaged = "先生の話。" + read_by_web("学習ノートの見本") + "。以上、été comme ça"
    assert repaired(damaged).text == sound


def test_mojibake_that_is_quoted_in_a_sound_sentence_stays() -> None:
    assert repair(f"画面に「{read_by_web('学習ノート')}」と出た。") is None


@pytest.mark.parametrize("page", ["cp1252", "cp1254"])
@pytest.mark.parametrize("also", [b"", b"\xad"])
def test_lost_bytes_are_put_back(page: str, also: bytes) -> None:
    result = repaired(read_as(TRUTH, page, also=also))
    every, lossy = shares(TRUTH, LOST[page] | set(also), result.text)
    assert result.page == page
    assert result.lossy
    assert every >= 0.97
    assert lossy >= 0.95


def test_bytes_marked_as_lost_are_put_back() -> None:
    result = repaired(TRUTH.encode().decode("cp1252", "replace"))
    every, lossy = shares(TRUTH, LOST["cp1252"], result.text)
    assert every >= 0.98
    assert lossy >= 0.96


def test_no_break_spaces_turned_into_spaces_are_understood() -> None:
    damaged = read_as(TRUTH, "cp1254", also=b"\xad").replace("\xa0", " ")
    restored = repaired(damaged).text.split("\n")
    right = sum(a == b for a, b in zip(restored, TRUTH.split("\n"), strict=True))
    assert right >= 0.75 * len(restored)


@pytest.mark.parametrize("errors", ["ignore", "replace"])
def test_cp932_with_undefined_bytes_is_mostly_restored(errors: str) -> None:
    result = repaired(TRUTH.encode().decode("cp932", errors))
    pairs = zip(result.text.split("\n"), TRUTH.split("\n"), strict=True)
    right = sum(a == b for a, b in pairs)
    assert result.page == "cp932"
    assert right >= 0.6 * TRUTH.count("\n")


def test_what_is_not_reported_as_doubtful_is_nearly_always_right() -> None:
    result = repaired(read_as(TRUTH, "cp1254", also=b"\xad"))
    doubtful = {i for start, end in result.doubtful for i in range(start, end)}
    wrong = {i for i, (a, b) in enumerate(zip(TRUTH, result.text, strict=True)) if a != b}
    assert len(wrong - doubtful) <= 0.01 * len(TRUTH)
    assert len(doubtful) <= 0.1 * len(TRUTH)


@given(JAPANESE, st.data())
@settings(max_examples=60, deadline=None)
def test_any_loss_of_bytes_keeps_lines_and_plain_letters(text: str, data: st.DataObject) -> None:
    lines = [text, "plain line", text[::-1], ""]
    page = data.draw(st.sampled_from(["cp1252", "cp1254"]))
    damaged = read_as("\n".join(lines), page)
    result = repair(damaged)
    assert result is not None
    got = result.text.split("\n")
    assert len(got) == len(lines)
    assert got[1] == "plain line"
    assert [len(line) for line in got] == [len(line) for line in lines]
    assert all(0 <= start < end <= len(result.text) for start, end in result.doubtful)


@given(
    st.characters(min_codepoint=0x3041, max_codepoint=0x30FE),
    st.sets(st.sampled_from(sorted(LOST["cp1254"]))),
)
def test_the_true_character_is_among_the_readings(char: str, lost: set[int]) -> None:
    seen = char.encode().translate(None, bytes(lost)).decode("latin-1")
    whole = char in readings(char.encode().decode("latin-1"), frozenset())
    assert whole
    if penalty(char) < 60_000:
        assert char in readings(seen, frozenset(lost))


def test_without_a_dictionary_the_text_is_repaired_and_every_choice_is_doubtful(monkeypatch) -> None:
    def none() -> Lexicon:
        raise NoLexiconError("none")

    monkeypatch.setattr(repairing, "installed", none)
    result = repaired(read_as(TRUTH, "cp1254"))
    doubtful = {i for start, end in result.doubtful for i in range(start, end)}
    wrong = {i for i, (a, b) in enumerate(zip(TRUTH, result.text, strict=True)) if a != b}
    assert wrong <= doubtful


def test_a_file_of_an_unknown_layout_is_no_lexicon(tmp_path) -> None:
    path = tmp_path / "system.dic"
    path.write_bytes(b"something else" * 1000)
    with pytest.raises(NoLexiconError, match="no Sudachi dictionary"):
        Lexicon.open(path)


@pytest.mark.parametrize(
    "sentence", ["教育用実装と実際の", "私は昨日学校に行きました", "細胞の核には遺伝情報がある"]
)
def test_the_lexicon_prices_words_as_sudachi_does(sentence: str) -> None:
    from sudachipy import Dictionary

    # SudachiPy reports the path cost after the first word; a better path in the same words is possible
    # where it prefers a longer word, never a dearer one.
    lexicon = installed()
    morphemes = Dictionary().tokenizer().tokenize(sentence)
    paths = {word.right: 0 for word in lexicon.lookup(morphemes[0].surface())}
    for morpheme in list(morphemes)[1:]:
        after: dict[int, int] = {}
        for word in lexicon.lookup(morpheme.surface()):
            best = word.cost + min(
                cost + lexicon.connection(right, word.left) for right, cost in paths.items()
            )
            after[word.right] = min(best, after.get(word.right, best))
        paths = after
    assert min(paths.values()) == pytest.approx(morphemes.get_internal_cost(), abs=1200)


def test_an_open_bracket_decides_between_a_bracket_and_a_comma() -> None:
    text = "「あ、と言う"
    costs = [{}, {}, {"、": 0.0, "」": 3000.0}, {}, {}, {}]
    assert balance(text, costs)[0] == "「あ」と言う"
    assert balance("あ、と言う", [{}, {"、": 0.0, "」": 3000.0}, {}, {}, {}])[0] == "あ、と言う"


def test_every_western_page_maps_back_to_the_byte() -> None:
    for page in ("cp1252", "cp1254", "latin-1"):
        for byte in range(0x80, 0x100):
            for char in bytes([byte]).decode(page, "ignore"):
                assert WESTERN[ord(char)] == byte

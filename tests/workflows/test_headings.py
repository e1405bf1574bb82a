"""What stands above a line belongs to what the line says."""

MODELS = """# モデル

- 混合専門家モデル
  - メリット:
    - 計算が少なくて済む
  - デメリット:
    - 学習が安定しにくい
- 大きさ
  - 10B くらいまでが小型と呼ばれる
    - 手元の計算機で動く
- 推論の高速化
  - 手法
    - 量子化
    - 枝刈り
  - 進め方
    1. 時間のかかる所を見つける
    2. 目標を決める
    3. 一つずつ試す
"""


def test_a_label_below_its_subject_is_what_is_asked_for(extract) -> None:
    draft = extract("推論の高速化の進め方は？", MODELS)
    assert "目標を決める" in draft.text
    assert "枝刈り" not in draft.text


def test_each_of_two_labels_is_quoted(extract) -> None:
    text = extract("混合専門家モデルのメリットとデメリットは？", MODELS).text
    assert "計算が少なくて済む" in text
    assert "学習が安定しにくい" in text


def test_a_compound_may_stand_partly_in_a_line_and_partly_above_it(extract) -> None:
    draft = extract("小型モデルとはどこまで？", MODELS)
    assert draft.answered
    assert draft.citations[0].quote.strip().startswith("- 10B くらいまでが小型")


def test_a_row_of_the_month_that_is_asked_for_is_quoted(extract) -> None:
    note = "# 更新\n\n| 日付 | 内容 |\n|---|---|\n| 2023/08/21 | 設定を保存 |\n| 2023/09/25 | 音声に対応 |\n"
    draft = extract("2023年9月の更新の内容は？", note)
    assert [c.quote for c in draft.citations] == ["| 2023/09/25 | 音声に対応 |"]


def test_all_steps_are_quoted_where_steps_are_asked_for(extract) -> None:
    note = "# RAG\n\n1. 文書を chunk に分ける\n2. embedding にする\n3. 近い chunk を取り出す\n4. LLM に渡す\n"
    draft = extract("RAG の手順は？", note)
    assert all(step in draft.text for step in ("chunk に分ける", "embedding", "取り出す", "LLM に渡す"))

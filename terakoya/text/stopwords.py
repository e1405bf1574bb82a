"""Words that carry no subject: function words, and the words that ask."""

from typing import Final

ENGLISH_STOP: Final = frozenset(
    """a about above across after again against all almost alone along already also although always am among an
    and another any anybody anything are around as at away be because been before being below between both but by
    can cannot could did do does doing done down during each either else enough even ever every everything few
    for from further get gets got had has have having he her here hers herself him himself his however i if in
    into is it its itself just let like made make makes many may me might mine more most much must my myself
    neither no nobody nor not nothing now of off often on once one only onto or other our ours out over own per
    quite rather really same she should since so some something still such than that the their theirs them then
    there these they this those though through thus to together too toward under until up upon us used using
    very via was we well were what's while will with within without would yes yet you your yours don't doesn't
    isn't aren't can't it's i'm we're you're they're that's there's didn't won't""".split()
)

ENGLISH_QUESTION: Final = frozenset(
    """what which who whom whose when where why how explain describe tell define list name give show mean means
    meaning please question answer note notes say says said according""".split()
)

JAPANESE_QUESTION: Final = frozenset(
    """何 なに なん 何れ どれ どの 何の 何処 どこ 誰 だれ 何時 いつ 何故 なぜ 如何 どう どのよう どんな いくつ 幾つ
    いくら 幾ら どちら 何方 教える 説明 挙げる 下さる ください 述べる 意味 事 こと 物 もの 有る ある 為る する 言う
    いう 成る なる 居る いる 出来る できる 行う 違い 差 種類 とき 時 所 ため 為 よう 様 それ 其れ これ 此れ あれ 此の
    其の 名前 一覧 全部 全て すべて ノート メモ 書く 方 ほう 場合 どういう 何と 何か 貰う くれる 呉れる 知る 知りたい""".split()
)

"""The readings that a damaged passage can have, as a graph whose edges are characters.

Node 0 is the beginning of the passage and the last node its end. An edge leaves `node` for a later node
and carries one character; every path from beginning to end is a text that damages to the passage at
hand. Where the damage kept every byte there is one edge; where a byte is gone there is one for each
character that the byte could have made.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations, product

__all__ = ["Edge", "Lattice", "penalty", "readings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """One character between two nodes; `penalty` (Sudachi cost units) is what it costs to be unusual."""

    char: str
    target: int
    penalty: int = 0


Lattice = list[tuple[Edge, ...]]
"""The edges that leave each node; the end node has none."""

# What notes use, most frequent first where it matters: the rank breaks ties between symbols, about which
# a dictionary of words says nothing.
_EMOJI = (
    "🎯🚀💡📝📚📖🔍🔧📊📈🎉👍🤔💻🧠🌟🔥📌🎓📁📂📄📋🔄🔗🔑🔒🤖👉💬📦🛠🏗🏠🏃🎨🧪🧩🌐🌍🌱📅📆📍📎📐📏📉"
    "🔹🔸🔴🟢🟡🔵🟠🟣🔬🔭🔮🎮🎬🎵🎁🏆🏅🏷🐍🦀🐳🐛🐟🐱🐶🙏🙌👏👀💪💰💾💥💯😀😃😄😅😆😊😎😭😢😂🤗🤝🥇🥈🥉"
    "🧮🧵🗂🗃🗓🗒🖥📱📷📸📺🔔🔊🔎🔢🔤🔁🔀🔽🔼🍎🍏🍊🍣🍵🍜🎒🎲🎼🏫🏢🏥🏯🎄🎂🌈🌙🌸🌊🌳🍀🍁🚗🚃🚲🚢🛑🚫🚨🚧"
)
_SYMBOLS = (
    "―…‥“”‘’–—→←↑↓⇒⇔↔✅❌⭐⚠✨❗❓✓✔✏✗✘✕✖⬆⬇➡⬅☆★○●◎◯□■△▲▽▼◇◆※♪☀☁☔☎✉✂⏰⏳⌛⚡⚙⛔♻❤➕➖➜►▶◀•·"
    "─│┌┐└┘├┤┬┴┼━┃┏┓┗┛┣┫┳┻╋═║╔╗╚╝╠╣╦╩╬╭╮╰╯█▓▒░▀▄▌▐×÷±≒≠≤≥≦≧∞∴∵∈∋⊂⊃∪∩∧∨¬∀∃∠⊥∂∇√∫∑∏"
    "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳℃™©®°§¶†‡‰€£¥«»¿¡²³µ½¼¾№℡㎡㎝㎏㎜㎞㈱〜～"
)
# Kanji by how often Japanese writes them, most frequent first; a reading that the words leave open goes
# to the more frequent character.
_KANJI = (
    # What ends words in notes: these are suffixes more often than a newspaper shows.
    "子名量回語規偏者性化的型式系器機率数値法語字学文族州層点線面体物質力論説書表図例問答類種用前後中上下内外間別毎各"
    "日一国会人年大十二本中長出三同時政事自行社見月分議後前民生連五発間対上部東者党地合市業内相方四定今回新場金員九入選立開手"
    "米力学問高代明実円関決子動京全目表戦経通外最言氏現理調体化田当八六約主題下首意法不来作性的要用制治度務強気小七成期公野協"
    "取都和統以機平総加山思家話世受区領多県続進正安設保改数記院女初北午指権心界支第産結百派点教報済書府活原先共得解名交資予川"
    "向際査勝面委告軍文反元重近千考判認画海参売利組知案道信策集在件団別物側任引使求所次水半品昨論計死官増係感特情投示変打男基"
    "私各始島直両朝革価式確村提運終挙果西勢減台広容必応演電歳住争談能無再位置企真流格有疑口過局少放税検藤町常校料沢裁状工建語"
    "球営空職証土与急止送援供可役構木割聞身費付施切由説転食比難防補車優夫研収断井何南石足違消境神番規術護展態導鮮備宅害配副算"
    "視条幹独警宮究育席輸訪楽起万着乗店述残想線率病農州武声質念待試族象銀域助労例衛然早張映限親額監環験追審商葉義伝働形景落欧"
    "担好退準賀訴辺造英被株頭技低毎医復仕去姿味負閣韓渡失移差衆個門写評課末守若脳極種美岡影命含福蔵量望松非撃佐核観察整段横融"
    "型白深字答夜製票況音申様財港識注呼渉達響阪帰針専推谷古候史天階程満敗管値歌買突兵接請器士光討路悪科攻崎督授催細効図週積丸"
    "他及湾録処省旧室憲太橋歩離岸客風紙激否周師摘材登系批郎母易健黒火戸速存花春飛殺央券赤号単盟座青破編捜竹除完降超責並療従右"
    "修捕隊危採織森競拡故館振給屋介読弁根色友苦就迎走販園具左異歴辞将秋因献厳馬愛幅休維富浜父遺彼般未塁貿講邦舞林装諸夏素亡劇"
    "河遣航抗冷模雄適婦鉄寄益込顔緊類児余禁印逆王返標換久短油妻暴輪占宣背昭廃植熱宿薬伊江清習険頼僚覚吉盛船倍均億途圧芸許皇臨"
    "踏駅署抜壊債便伸留罪停興爆陸玉源儀波創障継筋狙帯延羽努固闘精則葬乱避普散司康測豊洋静善逮婚厚喜齢囲卒迫略承浮惑崩順紀聴脱"
    "旅絶級幸岩練押軽倒了庁博城患締等救執層版老令角絡損房募曲撤裏払削密庭徒措仏績築貨志混載昇池陣我勤為血遅抑幕居染温雑招奈季"
    "困星傷永択秀著徴誌庫弾償功拠香欠更秘拒刑坂刻底賛塚致抱繰服犯尾描布恐寺鈴盤息宇項喪伴遠養懸戻街巨震願絵希越契掲躍棄欲痛触"
    "依籍汚縮還枚属笑互複慮郵束仲栄札枠似夕恵板列露沖探逃借緩節需骨射傾届曜遊迷夢巻購揮君燃充雨閉緒跡包駐貢鹿弱却端賃折紹獲郡"
    "併草徹飲貴埼衝焦奪雇災浦暮替析預焼簡譲称肉納樹挑章臓律誘紛貸至宗促慎控贈智握照宙酒俊銭薄堂渋群銃悲秒操携奥診詰託晴撮誕侵"
    "括掛謝双孝刺到駆寝透津壁稲仮暗裂敏鳥純是飯排裕堅訳盗芝綱吸典賞鉱凍握瞬粒網羅序列偏微積偶奇素乗冪群環体鎖酸塩基元素核膜液"
    "胞葉緑酵糖脂謄遺伝菌虫泳卵雌雄骨脊椎胃腸肺肝腎尿皮膚筋脈免疫抗鎌倉幕府藩侍城寺墓尊摂貞享徳御恩奉封荘園仏儒朱孟禅茶詩俳句随筆"
)
_FREQUENCY: dict[str, int] = {}
for _char in _KANJI:
    _FREQUENCY.setdefault(_char, len(_FREQUENCY))
_RANK = {char: rank for symbols in (_EMOJI, _SYMBOLS) for rank, char in enumerate(symbols)}
_SELECTOR = "\N{VARIATION SELECTOR-16}"
_HOPELESS = 60_000
_MARK = "\N{REPLACEMENT CHARACTER}"


@cache
def penalty(char: str) -> int:
    """How unusual `char` is in Japanese notes, in Sudachi cost units; 60,000 and more is ruled out.

    Kana, JIS level 1 kanji, ASCII and common punctuation cost nothing. JIS level 2, known symbols and
    emoji cost a little; other characters of JIS X 0208 and of cp932 more; the rest of Unicode (rare
    ideographs, unassigned and private characters) is ruled out.
    """
    point = ord(char)
    if point < 0x80:
        return 0 if point >= 0x20 or char == "\t" else _HOPELESS
    if "ぁ" <= char <= "ん" or "ァ" <= char <= "ヴ" or char in "ー、。「」（）：！？・々":
        return 0
    if char == _SELECTOR:
        return 500
    if char in _RANK:
        return 1500 + 15 * _RANK[char]
    try:
        jis = char.encode("euc_jp")
    except UnicodeEncodeError:
        jis = b""
    if len(jis) == 2 and jis[0] >= 0xB0:
        if char in _FREQUENCY:
            return _FREQUENCY[char]
        return 2600 if jis[0] < 0xD0 else 4500
    if char == "～":
        # The sign of ranges; no dictionary has it, and it must not lose to ｝, which they have.
        return -3500
    if char in "｛｝":
        return 3000
    if 0xFF01 <= point <= 0xFF5E:
        # The dictionary folds full-width letters, so 32ｋｍ would look as common as 32km: it is not.
        return 1200 if not char.isalpha() or char.isupper() else 14_000
    if len(jis) == 2 and jis[0] != 0x8E:
        return 3500 if jis[0] < 0xA4 else 5000
    if 0xC0 <= point <= 0xFF:
        return 4000
    if 0x1F300 <= point <= 0x1FAFF and unicodedata.category(char) == "So":
        return 6000
    try:
        char.encode("cp932")
    except UnicodeEncodeError:
        pass
    else:
        return 9000 if unicodedata.category(char) != "Co" else _HOPELESS
    if 0x2000 <= point <= 0x2BFF and unicodedata.category(char)[0] in "SP":
        return 9000
    return _HOPELESS


@lru_cache(maxsize=4096)
def readings(seen: str, lost: frozenset[int]) -> tuple[str, ...]:
    """The characters whose UTF-8 form becomes `seen` when bytes of the set `lost` are lost.

    `seen` has one character per byte, of the same number, or U+FFFD for a byte that is marked as lost;
    others may be missing without a mark. It begins with the lead byte, which says how many there were.
    Only plausible characters are returned, for nothing lost the one character whatever it is; none when
    there is no reading.
    """
    lead = ord(seen[0])
    length = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    missing = length - len(seen)
    if missing < 0:
        return ()
    known = [None if char == _MARK else ord(char) for char in seen]
    if missing == 0 and None not in known:
        return _decoded(seen.encode("latin-1"))
    found: dict[str, None] = {}
    for places in combinations(range(1, length), missing):
        pattern = list(known)
        for place in places:
            pattern.insert(place, None)
        for whole in product(*((byte,) if byte is not None else sorted(lost) for byte in pattern)):
            for char in _decoded(bytes(whole)):
                if penalty(char) < _HOPELESS:
                    found[char] = None
    return tuple(found)


def _decoded(sequence: bytes) -> tuple[str, ...]:
    try:
        return (sequence.decode("utf-8"),)
    except UnicodeDecodeError:
        return ()

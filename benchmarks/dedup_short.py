"""Short, templated and unspaced texts through the public command: what must stay stays, copies go."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

NAME = "dedup-short"
HELP = "crafted short, templated, Chinese, Japanese and Thai texts: wrong removals, and copies missed"

# every text of a group of APART must stay; of a group of ALIKE exactly one must stay
APART = {
    "prompts of a few words": [
        "Tell me a joke", "Write a poem", "Hello", "Hi there", "What is AI?", "Why?", "List three fruits", "Yes",
        "No", "Explain gravity", "Translate this", "Sum it up", "Thanks a lot", "ok", "a b", "b a", "1", "2", "?", "!",
    ],
    "Chinese sentences": [
        "今天天气很好我们去公园散步吧", "请把下面这段话翻译成英文", "他昨天买了一台新的电脑", "如何才能学好数学这门课程",
        "北京是中国的首都也是一座古老的城市", "我最喜欢的水果是苹果和香蕉", "你好", "再见", "谢谢",
    ],
    "Japanese sentences": ["明日は雨が降るでしょう", "この本はとても面白いです", "駅までどうやって行きますか", "はい", "いいえ"],
    "Thai sentences": ["วันนี้อากาศดีมากเราไปเดินเล่นกันเถอะ", "ช่วยแปลข้อความนี้เป็นภาษาอังกฤษ", "ฉันชอบกินข้าวผัดกับไข่ดาว", "สวัสดี", "ขอบคุณ"],
    "Korean sentences": ["오늘은 날씨가 매우 좋습니다", "이 문장을 영어로 번역해 주세요", "저는 사과를 좋아합니다"],
    "templates that differ in a number": [
        f"Tune the radio to FM {number} and turn the volume down" for number in ("1506", "1507", "98.5", "101.2", "88.1")
    ],
    "templates that differ in a name": [
        f"Write an e-mail to {name} about the meeting next week" for name in ("Anna", "Bernd", "Chiara", "Dmitri")
    ],
    "sums": [f"What is {one} plus {two}?" for one in (3, 7, 12) for two in (5, 9)],
    "templates with a task of their own": [
        f"Read the following text and answer the question in one sentence. Text: {text}"
        for text in ("The cat sat on the mat near the old door.", "Rome was not built in a day, they say.",
                     "Water boils at one hundred degrees at the sea.", "He sold his car to buy her a silver ring.")
    ],
    "empty texts": ["", " ", "\u200b"],
}  # fmt: skip
_DECOMPOSED = unicodedata.normalize("NFD", "Le café près de l’hôtel est fermé")
_CHINESE = "请解释一下机器学习中的过拟合现象以及在实际的项目当中应该如何避免它"
_THAI = "กรุณาอธิบายว่าการเรียนรู้ของเครื่องคืออะไรและนำไปใช้ในชีวิตประจำวันได้อย่างไรบ้างในปัจจุบันและในอนาคต"
_LONG = " ".join(f"word{at}" for at in range(70))
ALIKE = {
    "short copies": ["Good morning", "Good morning"],
    "one word": ["Hola", "hola", "HOLA!"],
    "Chinese copy": ["机器学习是什么", "机器学习是什么"],
    "Chinese, another mark": ["机器学习到底是什么？", "机器学习到底是什么"],
    "Chinese, one character": [_CHINESE, _CHINESE.replace("避免", "避开")],
    "Japanese, full and half width": ["ＡＢＣのテストをしてください", "abcのﾃｽﾄをしてください"],
    "Thai, one character": [_THAI, _THAI + "ๆ"],
    "composed and decomposed": ["Le café près de l’hôtel est fermé", _DECOMPOSED],
    "case and space": ["Open the Pod Bay doors", "open  the pod bay doors", "OPEN THE\u00a0POD BAY DOORS", "open the\tpod\nbay doors."],
    "zero-width space": ["please reset my password now", "please re\u200bset my pass\u200bword now"],
    "quotes and dashes": ["it’s the user’s “final” answer", "it's the user's \"final\" answer"],
    "ligature": ["the office file is final", "the oﬃce ﬁle is ﬁnal"],
    "a word in seventy": [_LONG, _LONG.replace("word35 ", "other ")],
}  # fmt: skip


def run(
    data: Path | None, quick: bool
) -> tuple[dict[str, float | None], dict[str, str], dict[str, str], int]:
    """Run `seatrial dedup` over all groups in one file, at its own settings."""
    rows = [
        {"group": name, "text": text}
        for groups in (APART, ALIKE)
        for name, group in groups.items()
        for text in group
    ]
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "rows.jsonl", Path(folder) / "kept.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in rows))
        words = [sys.executable, "-m", "tui", "dedup", str(source), "--out", str(out)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        kept = [json.loads(line)["group"] for line in out.open()]
    wrong = sum(len(group) - kept.count(name) for name, group in APART.items())
    wrong += sum(kept.count(name) == 0 for name in ALIKE)
    missed = sum(max(0, kept.count(name) - 1) for name in ALIKE)
    for name, group in {**APART, **ALIKE}.items():
        print(f"{name}: {kept.count(name)} of {len(group)} stay", file=sys.stderr)
    return {"wrong_removals": float(wrong), "missed": float(missed)}, {}, {}, len(rows)

"""Requests with many right answers, in some languages: two answers in other words contradict nothing there."""

from __future__ import annotations

import re

BEGINNING = 2_000  # characters of a question in which it says what is wanted
_ENGLISH = (
    r"write|generate|create|compose|come up|brainstorm|suggest|list|name|imagine|make up|make (?:a|an|up)|design|invent|draft"
    r"|tell me (?:a|an|some|about)|give (?:me )?(?:an?|some|\w+ (?:examples?|ideas?|reasons?|tips?|ways?))|describe"
    r"|rewrite|paraphrase|rephrase|summari[sz]e|recommend|continue|choose an?|pick an?|think of|develop|construct|produce|provide an?"
)
# verbs that ask for a text or a proposal; most by their stem, for the form goes by whom one speaks to
_OTHERS = (
    r"schreib\w*|verfass\w*|erstell\w*|erzähl\w*|nenn\w*|schlag\w*|empf[ie]\w+|entw[ie]rf\w*|entwickl\w*|formulier\w*|fass\w*|beschreib\w*"
    r"|erfinde\w*|überleg\w* dir|denk\w* dir|gib (?:mir )?ein\w*|geben sie (?:mir )?ein\w*|dicht\w*"
    r"|écri[sv]\w*|rédige\w*|crée\w*|invente\w*|donne\w*-moi (?:un|une|des|quelques)|propose\w*|raconte\w*|décri[sv]\w*|compose\w*|imagine\w*"
    r"|suggère\w*|suggér\w*|résume\w*|cite\w*|liste\w*|reformule\w*"
    r"|escrib\w*|crea|cree|crear|genera|genere|generar|inventa|invente|dame (?:un|una|unos|algun\w*)|propón|proponga|sugier\w*|cuénta\w*|describ\w*|redact\w*|resum\w*"
    r"|enumer\w*|nombra|nombre|recomiend\w*|scriv\w*|dammi (?:un|una|alcun\w*)|propon\w*|sugger\w*|raccont\w*|descriv\w*|componi|riassum\w*|elenca\w*"
    r"|escrev\w*|crie|gere|sugira|conte|descreva|redija|liste|schrijf|bedenk|geef (?:me |mij )?een|noem|vertel|beschrijf|verzin|maak een"
    r"|napisz|wymyśl|opisz|zaproponuj|skriv|berätta|föreslå|beskriv|kirjoita|napiš\w*|írj\w*|scrie\w*|γράψε"
    r"|напиши\w*|придумай\w*|составь\w*|создай\w*|расскажи\w*|опиши\w*|предложи\w*|назови\w*|перечисли\w*|сочини\w*|порекомендуй\w*|напишіть|напиши"
    r"|tulis\w*|buat\w*|sarankan|ceritakan|viết|gợi ý|kể|đề xuất|hãy viết|oluştur\w*|öner\w*"
    r"|اكتب\w*|أنشئ|اقترح\w*|اذكر\w*|ألف|صف|احك|لخص"
)
_POLITE = (
    r"please|kindly|can you|could you|i want you to|i need you to|bitte|können sie|kannst du|s'il (?:te|vous) plaît|peux-tu|pouvez-vous|por favor|puedes"
    r"|per favore|puoi|alsjeblieft|kun je|пожалуйста|proszę|tolong|hãy|lütfen|من فضلك"
)
_FIRST = re.compile(rf"(?im)^[^\w\n]{{0,20}}(?:(?:{_POLITE})[, ]+)*(?:{_ENGLISH}|{_OTHERS})(?!\w)")
_POLITELY = "(?:请|請|帮我|幫我|为我|给我)*+"
_CHINESE = re.compile(
    rf"(?m)^\W*+{_POLITELY}(?:(?:用.{{1,12}}?|以.{{1,20}}?){_POLITELY}){{0,2}}(?:写|寫|编写|编|創作|创作|生成|列出|列举|列舉|举|推荐|推薦|建议|建議|想|描述|起草|设计|設計|讲|講|说一|总结|總結|改写|续写|提供|构思)"
)
# where the verb stands last
_LAST = re.compile(
    r"(?:書いて|かいて|作って|考えて|挙げて|提案して|作成して|生成して|要約して|紹介して)(?:ください|下さい|くれ|ほしい)?\W*\Z"
    r"|(?:써|작성해|만들어|추천해|제안해|지어|요약해|묘사해)\s?(?:줘|주세요|줄래|봐|라)?\W*\Z"
    r"|(?:लिखो|लिखें|लिखिए|लिखिये|बनाओ|बनाइए|बनाएं|सुझाओ|सुझाइए|सुझाएं|सुनाओ|सुनाइए)\W*\Z"
    r"|\b(?:yaz|yazın|yazınız|öner|önerin|oluştur|oluşturun|anlat)\W*\Z|\A\W*(?:ช่วย|กรุณา|โปรด)?(?:เขียน|แต่ง|แนะนำ|สร้าง|คิด|เล่า)"
)


def is_open(question: str) -> bool:
    """Whether a question asks for one of many right answers: a poem, a name, a list."""
    beginning = question[:BEGINNING]
    return any(pattern.search(beginning) for pattern in (_FIRST, _CHINESE, _LAST))

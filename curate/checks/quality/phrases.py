"""What models say of themselves, refuse, or say by habit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curate.checks.quality.text import (
    ANSWER,
    DIALOGUE_WORDS,
    LETTER_WORDS,
    SPOKEN,
    Problem,
    Rule,
    Text,
    said,
    tail,
)

_APOLOGY = r"(?:(?:i'?m|i am) (?:very |really |so |truly )?(?:sorry|afraid)|sorry|unfortunately|(?:my )?apologies|i apologi[sz]e|regrettably)"
_UNABLE = (
    r"(?:can(?:no|')t|can not|cannot|(?:am|are) unable|'(?:m|re) unable|(?:am|are) not able|'(?:m|re) not able|(?:am|are) not (?:allowed|permitted|programmed|capable)|"
    r"'(?:m|re) not (?:allowed|permitted|programmed|capable)|won't|will not|do not have the (?:ability|capability)|don't have the (?:ability|capability))"
)
_ACT = (
    r"(?:(?:in good conscience|directly|really|actually|legally|ethically|personally),? )?(?:to )?(?:be able to )?(?:assist|help|provide|fulfil|comply|answer|create|generate|do (?:that|this|so)|give|write|produce|engage|"
    r"offer|share|access|browse|open|view|see|discuss|support|perform|complete|process|respond|recommend|participate|draw|display|retrieve|find|determine|identify|translate|tell|predict|summari[sz]e|analy[sz]e|book|order|place|control|play|make|send|set|check|modify|edit|visit|read|watch|search|perceive|interact|continue|comment|express|feel|experience)"
)
# of what a model has not, it says so; a person who has no access to an account speaks of that
_LACKS = (
    r"(?:do not|don't)(?: currently| actually)? have (?:(?:direct )?access to (?:real-?time|live|current|up-to-date|external|personal|the internet|any|your|that|this|such|information|data)"
    r"|(?:real-?time|live|up-to-date|current) (?:information|data|access)|(?:any )?personal (?:opinions?|experiences?|preferences?|beliefs?|feelings?|information)|the (?:ability|capability|capacity) to)"
    r"(?![^.\n]{0,80}\bbut\b)"  # who goes on with what can be said refuses nothing
)
_DECLINES = (
    r"(?:i(?:'m| am) (?:really |just )?not comfortable (?:with )?(?:answer|discuss|shar|provid|help|assist|writ|creat|generat|do|continu|engag|talk|giv|that|this)"
    r"|i(?:'d| would)? (?:must|have to|need to|will have to|'ll have to|am going to have to|'m going to have to|prefer to|like to) (?:\w+ly )?decline"
    r"|i(?:'d| would) (?:rather|prefer) not (?:to )?(?:answer|discuss|say|share|comment|talk|help|do|give|provide)|i prefer not to (?:answer|discuss|say|share|comment|talk|help|do|give|provide)"
    r"|i(?: respectfully| politely)? (?:decline|refuse) to (?:answer|assist|help|provide|write|create|discuss|comply|engage)"
    r"|(?:that|this)(?:'s| is) (?:not something (?:that )?i(?: can|'m able| am able)|something (?:that )?i (?:can(?:no|')t|won't|will not|am unable|am not able))"
    r"|(?:that|this|it)(?:'s| is) (?:outside|beyond) (?:of )?(?:my|the scope of my) (?:capabilit|abilit|knowledge|expertise|scope))"
)
# in the languages that people ask in: an apology, then what cannot be done
_ABROAD = (
    r"(?:很?抱歉|对不起|不好意思|很遗憾)[，,。！]?(?:但)?(?:是)?(?:我|作为)[^。\n]{0,25}(?:不能|无法|没有|不具备|不会)|(?:我|本人)(?:不能|无法)(?:提供|回答|协助|帮助|满足|生成|完成)"
    r"|作为(?:一个|一名|一款)?(?:AI|人工智能|语言模型|大型语言模型|机器人)[^。\n]{0,30}(?:不能|无法|没有|不具备)"
    r"|(?:抱歉|對不起|不好意思)[，,。！]?(?:但)?我[^。\n]{0,25}(?:無法|不能|沒有辦法)"
    r"|(?:(?:大変)?申し訳(?:ありません|ございません|ない(?:です)?)|すみません|恐れ入ります|残念ながら|ごめんなさい)[^。\n]{0,60}(?:できません|出来ません|できかね|致しかね|いたしかね|応えられません|お答えでき)"
    r"|(?:죄송하지만|죄송합니다|미안하지만|안타깝게도|유감스럽게도)[^\n]{0,60}?(?:수 (?:가 )?없습니다|수 없어요|드리기 어렵|못합니다)"
    r"|lo siento,? (?:pero )?(?:no puedo|como)|(?:lamentablemente|desafortunadamente),? no (?:puedo|me es posible)"
    r"|je suis (?:vraiment )?désolée?,? (?:mais )?je ne (?:peux|suis)|désolée?,? (?:mais )?je ne (?:peux|suis)|malheureusement,? je ne (?:peux pas|suis pas en mesure)"
    r"|(?:(?:es )?tut mir leid,? (?:aber )?)?(?:da|dabei|damit|hierbei|hiermit|dazu|bei (?:diese[rm]|de[rm]|ihre[rm]) \w+) kann ich (?:(?:dir|ihnen|euch|leider) ){0,2}nicht (?:weiter)?(?:helfen|dienen)"
    r"|(?:es )?tut mir leid,? (?:aber )?(?:ich kann|als|das kann ich)|leider (?:kann ich|bin ich nicht in der lage)\b[^.\n]{0,60}\b(?:nicht|keine?n?)\b[^.\n]{0,40}\b(?:helfen|beantworten|weiterhelfen|geben|bereitstellen|erfüllen|unterstützen|sagen|nennen|machen)"
    r"|ich kann (?:dir|ihnen|euch|dabei|da|diese|das)\b[^.\n]{0,30}\bnicht (?:weiter)?(?:helfen|beantworten)"
    r"|(?:desculpe|lamento|sinto muito|infelizmente),? (?:mas )?(?:eu )?(?:não posso|não consigo|como)|(?:mi dispiace|purtroppo),? (?:ma )?non (?:posso|sono in grado)"
    r"|(?:извините|простите|к сожалению),? (?:но )?я не (?:могу|имею|способ)|(?:вибачте|перепрошую|на жаль),? (?:але )?я не можу"
    r"|(?:przykro mi|przepraszam|niestety),? (?:ale )?(?:nie mogę|nie jestem w stanie|jako)|(?:je mi líto|omlouvám se|bohužel),? (?:ale )?(?:vám )?(?:s tím )?(?:nemohu|nemůžu|nedokážu)"
    r"|(?:het spijt me|sorry|helaas),? (?:maar )?(?:ik kan|kan ik|ik ben)\b[^.\n]{0,40}\b(?:niet|geen)\b"
    r"|(?:jag är ledsen|tyvärr|förlåt|ursäkta),? (?:men )?(?:jag kan|kan jag)\b[^.\n]{0,20}\binte|(?:(?:jeg )?beklager|desværre|dessverre|undskyld),? (?:men )?(?:jeg kan|kan jeg)\b[^.\n]{0,20}\bikke"
    r"|(?:valitettavasti|olen pahoillani|anteeksi),? (?:mutta )?en (?:voi|pysty)|(?:sajnálom|elnézést|sajnos),? (?:de )?(?:ebben )?nem (?:tudok|segíthetek|tudom)"
    r"|(?:îmi pare rău|din păcate|scuze),? (?:dar )?nu (?:pot|sunt în măsură)|(?:üzgünüm|maalesef|özür dilerim),? [^.\n]{0,60}(?:edemem|veremem|olamam|yapamam|edemiyorum|veremiyorum|olamıyorum|yapamıyorum)"
    r"|(?:xin lỗi|rất tiếc|tôi xin lỗi),? [^.\n]{0,30}không thể|(?:mohon )?maaf,? (?:tetapi |tapi |namun )?saya tidak (?:dapat|bisa)|(?:συγγνώμη|λυπάμαι|δυστυχώς),? (?:αλλά )?δεν μπορώ"
    r"|(?:عذر[اًا]{0,2}|آسف|أعتذر|للأسف)[^.\n]{0,30}(?:لا (?:أستطيع|يمكنني)|لن أستطيع)|(?:क्षमा करें|माफ़? ?(?:कीजिए|करें)|मुझे खेद है)[^।\n]{0,60}नहीं"
    r"|(?:很|非常|十分)(?:抱歉|遺憾)[，,。！]?(?:但)?我[^。\n]{0,25}(?:無法|不能|沒有辦法|无法)|(?:ขออภัย|ขอโทษ)[^\n]{0,50}ไม่สามารถ|(?:אני )?מצטער(?:ת|ים)?[^.\n]{0,40}לא (?:יכול|אוכל|ניתן|אפשר)"
    r"|(?:متأسفم|متاسفم|متأسفانه|متاسفانه|ببخشید)[^.\n]{0,60}نمی[\u200c ]?توان|(?:معذرت|معاف کیجیے|افسوس)[^۔\n]{0,60}نہیں"
    r"|(?:দুঃখিত|ক্ষমা করবেন)[^।\n]{0,60}(?:পারব না|পারছি না|পারি না|সম্ভব নয়)|மன்னிக்கவும்[^.\n]{0,60}(?:முடியாது|இயலாது)|క్షమించండి[^.\n]{0,60}(?:లేను|చేయలేను)"
    r"|(?:съжалявам|за съжаление|извинете|жао ми је|нажалост|извините),? (?:но |али )?(?:аз |ја )?не мог[ау]|(?:žao mi je|nažalost|oprostite|izvinite),? (?:ali )?(?:ja )?ne mogu"
    r"|(?:žal|oprostite|žal mi je),? (?:vendar |ampak )?(?:vam )?(?:pri tem )?ne morem|(?:ľutujem|prepáčte|je mi ľúto|bohužiaľ),? (?:ale )?(?:vám )?(?:s tým )?(?:vám )?(?:nemôžem|nedokážem)"
    r"|ho sento,? (?:però )?no (?:puc|és possible)|samahani,? (?:lakini )?(?:siwezi|sina uwezo)|(?:paumanhin|pasensya na)[^.\n]{0,40}hindi (?:ko|ako)"
)
# of being a model, in the languages that people ask in
_MODEL_ABROAD = (
    r"\bals (?:ki\b|künstliche intelligenz|(?:großes )?(?:ki-)?sprachmodell)|\ben tant qu(?:e |')(?:un |une )?(?:(?:grand )?modèle|ia\b|intelligence artificielle|assistant (?:ia|virtuel))"
    r"|\bcomo (?:un |una |um |uma )?(?:(?:gran |grande )?modelo de (?:lenguaje|linguagem|língua)|ia\b|intelig[eê]ncia artificial|asistente (?:de ia|virtual)|assistente (?:de ia|virtual))"
    r"|\b(?:in quanto|come) (?:(?:grande )?modello (?:linguistico|di linguaggio)|ia\b|intelligenza artificiale)|\bals (?:ai\b|ai-|kunstmatige intelligentie|(?:groot )?taalmodel)|\bjako (?:model językowy|sztuczna inteligencja|ai\b)"
    r"|\bкак (?:языковая модель|искусственный интеллект|ии\b)|\bяк (?:мовна модель|штучний інтелект)|bir (?:yapay zeka|dil modeli)[^.\n]{0,20} olarak"
    r"|(?:\bAI|人工知能|言語モデル)(?:言語モデル|アシスタント|モデル)?(?:として|なので|ですので|であるため)|(?:\bAI|인공지능|언어 ?모델)[^.\n]{0,12}(?:로서|로써|이기 때문|이므로)"
    r"|بصفتي (?:نموذج|ذكاء|مساعد)|كنموذج (?:لغ|ذكاء)|एक (?:एआई|AI|भाषा मॉडल|कृत्रिम)[^।\n]{0,20}के रूप में|\blà một (?:mô hình ngôn ngữ|AI\b|trí tuệ nhân tạo)|\bsebagai (?:model bahasa|AI\b|kecerdasan buatan|asisten AI)"
    r"|ในฐานะ(?:โมเดล|แบบจำลอง|AI|ปัญญา)|作為(?:一個|一名|一款)?(?:AI|人工智慧|語言模型|大型語言模型)"
)
REFUSAL = re.compile(
    rf"\A\W{{0,3}}(?:(?:no|well|oh|hi|hello|hmm)\b[,.!]? )?(?:{_APOLOGY}[,.!]?\s*(?:but |however,? )?(?:i|we|as an)\b(?:[^.\n]{{0,40}}?{_UNABLE} {_ACT}| (?:do not|don't) have (?:access|the (?:ability|capability|necessary)|enough|any|information|personal|real|specific|current|up-to-date)|[^.\n]{{0,20}}\bas an ai)"
    rf"|(?:{_APOLOGY}[,.!]?\s*(?:but |however,? )?)?{_DECLINES}"
    rf"|(?:i|we) ?{_UNABLE} {_ACT}|i {_LACKS}"
    rf"|as an? (?:ai|artificial intelligence|(?:large )?language model|machine learning model)\b[^.\n]{{0,80}}?\bi ?(?:{_UNABLE}|(?:do not|don't) have)"
    r"|i(?:'m| am) (?:just |only )?an? (?:ai|language model)\b[^.\n]{0,60}\b(?:can(?:no|')t|cannot|unable|not able|do not|don't)"
    rf"|(?:this|your) (?:request|question|prompt) (?:violates|goes against)|{_ABROAD})",
    re.IGNORECASE,
)
DISCLAIMER = re.compile(
    r"\bas an? (?:ai (?:language )?model|large language model|ai assistant|artificial intelligence|ai|language model)\b,? i\b"
    r"|\bas an? (?:ai (?:language )?model|large language model|ai assistant)\b|\bi(?:'m| am) (?:just |only )an? (?:ai|language model)\b"
    r"|作为(?:一个|一名|一款)?(?:AI|人工智能|语言模型|大型语言模型)(?:助手|模型|语言模型)?[，,]?我|(?:my|the) (?:knowledge|training data) cut-?off\b|\bas of my last (?:knowledge )?update\b"
    rf"|{_MODEL_ABROAD}",
    re.IGNORECASE,
)
# a question that holds such words itself asks to word them otherwise
_UNABLE_WORDS = re.compile(
    r"\bsorry\b|\bapolog|\bregret|\bcan(?:no|')t\b|\bcannot\b|\bunable\b|\bnot be able\b|\bimpossible\b|\brefus|\bdeclin|抱歉|对不起|道歉",
    re.IGNORECASE,
)
_REFUSAL_ASKED = re.compile(r"\bapolog|\bregret|\brefus|\bdeclin", re.IGNORECASE)
_OF_THE_REQUEST = re.compile(
    r"\b(?:can(?:no|['’])t|cannot|can not|unable to|not able to) (?:help|assist|comply)(?: you)? with (?:that|this|your request)\b",
    re.IGNORECASE,
)
_SELF = re.compile(
    r"\b(?:who|what) (?:are you|you are)\b|\b(?:about|describe|introduce) you(?:rself)?\b|\bare you (?:an?|a real|human|sentient|conscious|able)|\byour(?:self| name| creator| feelings?| opinion)\b|\b(?:ai|language model|chatbot|assistant|gpt)\b|你(?:是谁|叫什么|是什么)|人工智能|机器人|语言模型|人工智慧|人工知能|인공지능|語言模型|言語モデル|언어 ?모델|ذكاء|नकली|कृत्रिम"
    r"|\b(?:ki|ia)\b|sprachmodell|künstliche|mod[eè]l\w* (?:de lang|de ling|lingu|język|bahasa)|artificial|intelligenz|taalmodel|языков|искусствен|штучн|yapay zeka|dil modeli"
    r"|\b(?:wer bist du|qui es-tu|quién eres|quem é você|chi sei|wie ben je|kim jesteś|кто ты|хто ти|sen kimsin)|あなたは(?:誰|何)|누구",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:i hope (?:this|that|these) \w+(?: \w+){0,6}[.!]|(?:please )?(?:feel free|don't hesitate|do not hesitate) to (?:ask|let me know|reach out|contact me)\b[^\n]{0,100}"
    r"|(?:please )?let me know if (?:you|there|that|this|i)\b[^\n]{0,120}|is there anything else (?:i can|you)\b[^\n]{0,80}|if you have any (?:other|more|further|additional|questions)\b[^\n]{0,120}"
    r"|would you like me to\b[^\n]{0,120}|happy (?:coding|learning|cooking)!)",
    re.IGNORECASE,
)
_LEFTOVER = re.compile(
    r"^[ \t]*(?:copy code|regenerate response|regenerate|stop generating|copied!|was this response better or worse\?.*|\d+ ?/ ?\d+[ \t]*$(?=\s*\Z)|"
    r"(?:chatgpt|you|gemini|claude|copilot) said:|chatgpt can make mistakes\..*|share (?:&|and) export|google it|view other drafts)[ \t]*(?:\n|\Z)",
    re.IGNORECASE | re.MULTILINE,
)


def _refuses(text: Text) -> Iterator[Problem]:
    """Answers that refuse."""
    found = REFUSAL.match(text.text[:400])
    if found and (not _UNABLE_WORDS.search(text.asked) or _of_the_request(text)):
        yield Problem("refusal", *found.span(), 0.8, "the answer refuses or says that it cannot")


def _of_the_request(text: Text) -> bool:
    """Whether a refusal is of the request itself, though the question has such words too: `it cannot be paired`.

    Not where the question has a refusal in it, to be put otherwise, or asks for one.
    """
    if _OF_THE_REQUEST.search(text.asked) or _REFUSAL_ASKED.search(text.asked):
        return False
    start = text.text[:400]
    if _OF_THE_REQUEST.search(start):
        return True
    return DISCLAIMER.search(start) is not None and not _SELF.search(text.asked)


def _disclaims(text: Text) -> Iterator[Problem]:
    """Answers that speak of being a machine where nobody asked."""
    found = DISCLAIMER.search(text.text[:2000])
    if found and not REFUSAL.match(text.text[:400]) and not _SELF.search(text.asked):
        yield Problem("ai-disclaimer", *found.span(), 0.7, "the answer speaks of being a model")


def _closes(text: Text) -> Iterator[Problem]:
    """A last paragraph that only offers more help."""
    start = text.text.rstrip().rfind("\n\n") + 2
    last = text.text[start:].strip()
    if DIALOGUE_WORDS.search(text.question) or LETTER_WORDS.search(text.question):
        return
    if start > 200 and "\n" not in last and (found := _CLOSING.match(last)) and len(last) - found.end() < 60:
        span = tail(text.text, start)
        yield Problem(
            "closing-phrase", *span, 0.4, "the last paragraph only offers more help", "edit", {"cut": [span]}
        )


def _leftover(text: Text) -> Iterator[Problem]:
    """Lines of a chat window that were copied with the answer."""
    spans = [
        found.span() for found in _LEFTOVER.finditer(text.text) if not _meant(text, found.group().strip())
    ]
    if spans:
        reason = "words of a chat window's buttons"
        yield Problem("interface-leftover", *spans[0], 0.8, reason, "edit", {"cut": spans})


def _meant(text: Text, words: str) -> bool:
    """Whether the question speaks of it, or it is a fraction that may be the answer."""
    return words.casefold() in text.asked.casefold() or (words[0].isdigit() and len(text.text.strip()) < 80)


RULES = (
    Rule(
        ANSWER
        & said(
            r"sorry|afraid|unfortunately|apolog|regrettabl|can(no|')t|can not|unable|not able|not (allowed|permitted|programmed|capable|comfortable)|won't|will not|(don't|do not) (\w+ )?have|violates|goes against|"
            r"declin|refuse|rather not|prefer not|not something|something (that )?i |outside|beyond|"
            r"抱歉|对不起|對不起|不好意思|遗憾|我不能|我无法|本人|作为|申し訳|すみません|恐れ入り|残念|ごめん|죄송|미안|안타깝|유감|"
            r"lo siento|lamenta|desafort|désol|malheur|tut mir leid|leider|ich kann|kann ich|desculpe|lamento|sinto muito|infeliz|mi dispiace|purtroppo|извините|простите|к сожалению|вибачте|перепрошую|на жаль|"
            r"przykro|przepraszam|niestety|je mi líto|omlouv|bohužel|spijt|helaas|ledsen|tyvärr|förlåt|ursäkta|beklager|desværre|dessverre|undskyld|valitett|pahoillani|anteeksi|"
            r"sajn|elnézést|pare rău|din păcate|scuze|üzgün|maalesef|özür|xin lỗi|rất tiếc|maaf|συγγνώμη|λυπάμαι|δυστυχώς|عذر|آسف|أعتذر|للأسف|क्षमा|माफ|खेद|ขออภัย|ขอโทษ|מצטער|متأسف|متاسف|ببخشید|معذرت|معاف|افسوس|দুঃখিত|ক্ষমা|மன்னிக்க|క్షమించ|съжал|нажалост|"
            r"žao|nažal|oprost|izvin|žal|ľutujem|prepáč|ľúto|bohužiaľ|ho sento|samahani|paumanhin|pasensya|жао",
            head=400,
        ),
        _refuses,
    ),
    Rule(
        ANSWER
        & said(
            r"as an? (ai|artificial|large|language)|(m|just|only) an? (ai|language)|cut-?off|last (knowledge )?update|作为|作為|"
            r"\bals |en tant qu|\bcomo |\bin quanto|\bcome |\bjako |\bкак |\bяк |olarak|として|なので|ですので|であるため|로서|로써|때문|이므로|بصفتي|كنموذج|के रूप में|là một|\bsebagai |ในฐานะ"
        ),
        _disclaims,
    ),
    Rule(
        ANSWER
        & said(
            r"i hope th|feel free|hesitate|let me know|anything else|if you have any|would you like me|happy (coding|learning|cooking)!"
        ),
        _closes,
    ),
    Rule(
        SPOKEN
        & said(
            r"copy code|regenerate|stop generating|copied!|was this response|\d ?/ ?\d+\s*\z|said:|can make mistakes|share (&|and) export|google it|other drafts"
        ),
        _leftover,
    ),
)

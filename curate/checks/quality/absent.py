"""What a row talks of and does not hold: pictures, attachments, pages behind links, an input, a filled slot."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curate.checks.quality.text import (
    ANSWER,
    ASKED,
    CODE,
    CODE_WORDS,
    LETTER_WORDS,
    SPOKEN,
    Problem,
    Rule,
    Text,
    fences,
    said,
    tail,
    within,
)

_MEDIA_COLUMN = re.compile(
    r'"(?:images?|image_\w+|pictures?|photos?|audios?|videos?|media|files?|attachments?)"\s*:(?!\s*(?:null|""|\[\]|\{\}))'
)

# asked for a picture

_PICTURE = (
    r"(?:logos?|illustrations?|drawings?|paintings?|pictures?|photos?|photographs?|posters?|banners?|cartoons?|comics?|comic strips?|comic/cartoon strips?|infographics?|info-graphics?|"
    r"icons?|artworks?|pieces? of art|collages?|doodles?|portraits?|images?|animations?|graphics?|visuals?|visual representations?|graphic representations?|visuali[sz]ations?|data visuali[sz]ations?|"
    r"3d models?|mind ?maps?|word ?clouds?|sketch(?:es)?|sketch/drawing|flyers?|brochures?|book covers?|album covers?|t-?shirts?|bar (?:chart|graph)s?|pie charts?|line (?:chart|graph)s?|graphs?|charts?|"
    r"floor ?plans?|emblems?|thumbnails?|gifs?|videos?|memes?)"
)
# words that say, between "create" and the picture's name, that something else is wanted
_MADE_OF_WORDS = re.compile(
    r"\b(?:descriptions?|captions?|titles?|slogans?|taglines?|texts?|copy|headlines?|scripts?|stor(?:y|ies)|lists?|ideas?|names?|questions?|prompts?|outlines?|plan|poems?|essays?|paragraphs?|sentences?|"
    r"articles?|summar(?:y|ies)|steps|instructions?|code|program|function|class|algorithm|app|application|query|dialogue|review|strategy|campaign|budget|schedule|proposal|criteria|rubric|quiz|survey|game|table|examples?|"
    r"knowledge|directed|undirected|weighted|social|call|character|biographical|comedy|word|verbal|personality|life|ways?|tips|reasons?|tweet|post|email|letter|hashtags?|caption|database|type|kind)\b",
    re.IGNORECASE,
)
# words that say, anywhere, that the picture is to be written as code or signs
_AS_CODE = re.compile(
    r"\b(?:ascii|code|html|css|svg|latex|tikz|matplotlib|python|javascript|java|ggplot\w*|in r|sql|canvas|turtle|mermaid|graphviz|dot language|plantuml|emojis?|text-based|adjacency|networkx|tensorflow|pytorch|opencv|gan)\b|代码",
    re.IGNORECASE,
)
# where a request begins: what others do is told, not asked for
_ASKING = r"(?:\A\W*|[.!?,;:] +|\b(?:please|can you|could you|would you|you (?:need|have|are (?:asked|required)) to|want you to|asked to|required to|help me(?: to)?|task is to|i need you to) )(?:then |now |\w+ly )?"
_WANTS_PICTURE = re.compile(
    rf"{_ASKING}(?:design|create|draw|make|generate|produce|sketch|paint|illustrate|develop|build|construct|render|come up with|provide|craft|compose|prepare|show)\b(?! sure)(?: me)? "
    rf"(?:(?:an?|the|some|your|my|this|one|two|three|\d+|new|simple|original|unique|creative|colou?rful)\s+){{0,3}}(?:[\w'’-]+\s+){{0,3}}?{_PICTURE}\b(?! (?:design )?(?:description|caption|title|idea|concept|slogan|name|processing|classif|recogni|search|database|theory|format|model|system|app|website|library|algorithm|editor|code|generator|file|tag|novel|book|designer|artist|script|storyboard))"
    rf"|\A\W*(?:please )?(?:draw|sketch|paint|illustrate)\b(?! (?:an? |the |your |this |that |these |those )?(?:how|why|what|points?|concepts?|ideas?|uses?|process\w*|difference\w*|importance|relationship\w*|conclusions?|comparisons?|parallels?|inferences?|distinctions?|lessons?|attention|analog\w+|connections?|up|upon|on|from|out))"
    r"|\bcrop (?:an?|the|this) (?:\w+ ){0,2}(?:photo|picture|image)|\brecord (?:an?|the|this) (?:\w+ ){0,2}(?:song|video|audio|podcast)",
    re.IGNORECASE,
)
_ZH_PICTURE = re.compile(
    r"(?:画|绘制|设计|制作|创建|生成|创作)(?!的)(?:出)?(?:一?[个幅张款份些])?[^，。！？\n]{0,15}(?:标志(?!性|着)|徽标|logo|海报|插图|插画|图片|图像|漫画|卡通|图画|信息图|绘画)(?![的中描]|说明|标题|代码)",
    re.IGNORECASE,
)


def _wants_picture(text: Text) -> Iterator[Problem]:
    """A picture is asked for, of a model that writes."""
    head = text.text.strip().split("\n", 1)[0][:300]
    found = _WANTS_PICTURE.search(head) or _ZH_PICTURE.search(head)
    if not found or _given(text) or CODE.search(text.text) or _AS_CODE.search(text.text):
        return
    if _MADE_OF_WORDS.search(found.group()):
        return
    yield Problem("asks-for-picture", None, None, 0.7, "a picture is asked for; the answer can only be words")


# a picture, file or page that should be here

_KINDS = (
    r"(?:images?|photos?|photographs?|pictures?|pics?|paintings?|drawings?|charts?|graphs?|figures?|diagrams?|screenshots?|illustrations?|visuali[sz]ations?|"
    r"artworks?|videos?|audio|files?|documents?|pdf|attachments?)"
)
_MARKUP = re.compile(
    r"!\[[^\]\n]{0,200}\](?:\([^)]{0,400}\)|\[[^\]\n]*\])|<img\b[^>]*>|<(?:image|photo|picture|img|video|audio|file|attachment)\b[^<>\n]{0,300}>"
    rf"|<(?:[\w' -]{{0,60}} )?{_KINDS}(?: of [^<>\n]{{0,120}}| (?:attached|here|goes here|url|link|provided))?>"
    rf"|\[(?:[\w' -]{{0,40}} )?{_KINDS}(?: (?:attached|here|goes here|file|below|provided|not shown|(?:of|with|showing|depicting) [^\]\n]{{0,160}}))?\](?!\()"
    rf"|\((?:an? |the )?(?:attached |uploaded |insert(?:ed)? )?(?:images?|photos?|pictures?|paintings?|drawings?|screenshots?)(?: (?:attached|here|provided|not shown|of [^)\n]{{0,120}}))?\)"
    r"|<\|?(?:image_pad|vision_start|image_start|video_pad|audio_start)\|?>",
    re.IGNORECASE,
)
_ATTACHED = re.compile(
    r"\battached (?:an? |the |is |are )?(?:\w+ )?(?:images?|photos?|photographs?|pictures?|files?|documents?|pdfs?|screenshots?|charts?|graphs?|diagrams?|spreadsheets?|csv|resume|cv|datasets?)\b"
    r"|\b(?:images?|photos?|photographs?|pictures?|files?|documents?|screenshots?|pdf|csv|spreadsheet|chart|graph|diagram) (?:is |are |has been |have been |was )?(?:attached|enclosed|uploaded)\b"
    r"|\bsee (?:the )?(?:attached|attachment|enclosed)\b|\bin the attachment\b|\A\W*attached\b.{0,30}\Z",
    re.IGNORECASE,
)
_SHOWN = re.compile(
    r"\b(?:describe|identify|caption|analy[sz]e|look at|observe|name|count|classify|compare|explain|interpret|what|who|how many)\b[^.?!\n]{0,60}\b"
    r"(?:the|this|these|that|following|given|provided) (?:(?:following|given|provided|above|below|[a-z]+) )?"
    r"(?:photos?|photographs?|pictures?|images?|paintings?|drawings?|screenshots?|diagrams?|artworks?|video clips?)"
    r"(?:[.?!:,;)]|\s*\Z|\n|\s(?:below|above|shown|provided|given|in (?:one|a|two|a few)|with|and|using)\b)",
    re.IGNORECASE,
)
# what is to be seen is told in words
_NAMED = re.compile(r"\n\s*\n\s*[^\[<(!h\s][^\n]{8,}|[\"“'‘]\w[^\"”\n]{3,}[\"”'’]|\bby [A-Z]")
_ON_WORDING = re.compile(
    r"\be-?mail|\bletter\b|\bmessage\b|rewrite|rephrase|translat|correct|grammar|proofread|synonym|sentence",
    re.IGNORECASE,
)
_ON_MARKS = re.compile(r"\b(?:html|markdown|tags?|template|placeholder|code)\b", re.IGNORECASE)
_ANSWERED_PICTURE = re.compile(
    r"\b(?:(?:in|from|as seen in|shown in|see) )?(?:the|this) (?:attached|above|provided|uploaded|enclosed) (?:image|picture|photo(?:graph)?|screenshot|file|document|attachment|diagram|chart)\b"
    r"|\b(?:image|picture|photo(?:graph)?|screenshot|diagram|figure|chart|graph) (?:(?:above|below)(?! (?:the|an?|his|her|its|their|my|your|our|this|that|these|it|them)\b)|attached|shown (?:above|below))\b|\bi(?:'ve| have) attached\b|\b(?:please )?(?:see|find) (?:the )?attached\b"
    r"|\b(?:the|your|this) (?:image|picture|photo(?:graph)?|screenshot|file|document|attachment|diagram|chart|audio|video)s? (?:that )?(?:you(?:'ve| have)? )(?:provided|uploaded|attached|shared|sent|gave|posted)\b"
    r"|\bas (?:you can see|can be seen|shown|seen|depicted|illustrated|pictured) in (?:the|this|your) (?:image|picture|photo(?:graph)?|screenshot|diagram|figure|chart|graph)\b"
    r"|\bi (?:can )?see\b[^.?!\n]{1,60}\bin (?:the|this|your) (?:image|picture|photo(?:graph)?|screenshot)\b",
    re.IGNORECASE,
)
_SEEN_WORDS = re.compile(
    r"image|picture|photo|attach|screenshot|diagram|figure|chart|graph|file|document|painting|draw|visual|logo|poster|illustrat|design|图|照片|附件",
    re.IGNORECASE,
)


def _given(text: Text) -> bool:
    """Whether the row brings files or pictures of its own in another column."""
    return bool(_MEDIA_COLUMN.search(text.meta))


def _missing(text: Text) -> Iterator[Problem]:
    """A question about a picture or file that the row does not hold."""
    found = _missed(text.text)
    if found and not _given(text) and not (CODE.search(text.text) and CODE_WORDS.search(text.text)):
        yield found


def _missed(body: str) -> Problem | None:
    """The first sign of something that should be there."""
    marks = list(_MARKUP.finditer(body))
    hidden = fences(body) if marks else []
    found = next((mark for mark in marks if not within(mark.start(), hidden)), None)
    if found and not _ON_MARKS.search(body):
        return Problem("missing-attachment", *found.span(), 0.9, "a picture or file stands here only by name")
    if (found := _ATTACHED.search(body)) and not _ON_WORDING.search(body):
        return Problem("missing-attachment", *found.span(), 0.8, "something attached is spoken of")
    found = _SHOWN.search(body[:400])
    # what was told before it, or stands below it, may be what it speaks of
    alone = found and found.start() < 40 and len(body) < found.end() + 60 and not _NAMED.search(body)
    if found and alone:
        return Problem("missing-attachment", *found.span(), 0.6, "a picture is asked about and none is there")
    return None


def _shows(text: Text) -> Iterator[Problem]:
    """An answer that shows or points to a picture."""
    found = _MARKUP.search(text.text)
    spoken = None if found else _ANSWERED_PICTURE.search(text.text)
    if not (found or spoken) or _given(text) or CODE.search(text.text):
        return
    if found and not _ON_MARKS.search(text.asked):
        yield Problem("picture-in-answer", *found.span(), 0.7, "a picture stands in the answer only by name")
    elif spoken and not _SEEN_WORDS.search(text.asked) and not LETTER_WORDS.search(text.asked):
        reason = "the answer speaks of a picture or file that nobody gave"
        yield Problem("missing-attachment", *spoken.span(), 0.6, reason)


# links

# a model with tools may be able to open them
_TOOLS = re.compile(
    r'\b\w{1,60}\(\w{0,60}(?:url|query|input)\w{0,60}\)|"(?:tools|functions)"\s*:\s*"?\[\s*\S{0,60}[{\\]',
    re.IGNORECASE,
)

_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"'）)\]}，。]+", re.IGNORECASE)
_READ = re.compile(
    r"\b(?:summari[sz]\w*|read|review|watch|listen|visit|open|browse|analy[sz]e|critique|evaluate|describe|identify|classify|rate|extract|explain|based on|according to|given|following|article|video|painting|photo|image|web ?sites?|page|paper|song|clip|trailer|link|"
    r"repository|dataset|caption|tweet|headline|title|who|what|key points|main)\b|总结|阅读|文章|视频|网站|链接|网页|图片",
    re.IGNORECASE,
)
_ABOUT_URL = re.compile(
    r"\b(?:html|css|code|python|javascript|java|php|api|request|regex|regular expression|parse[rs]?|urls?|uri|domain|hyperlinks?|crawler|scrap\w+|curl|json|xml|cite|citation|reference|bibliograph\w*|apa|mla|http|server|script|programs?|function|normali[sz]e|"
    r"shorten|encode|decode|markdown|qr|rewrite|rephrase|translat\w*|edit|correct|proofread|grammar|email)\b",
    re.IGNORECASE,
)


def _links(text: Text) -> Iterator[Problem]:
    """A question whose matter lies behind a link."""
    found = _URL.search(text.text)
    if not found:
        return
    last = text.text.rstrip().rsplit("\n\n", 1)[-1]
    rest = _URL.sub("", last)
    alone = bool(_URL.search(last)) and len(re.findall(r"\w+", rest)) <= 6
    words = _URL.sub("", text.text)
    if (
        (alone or len(words) < 200)
        and _READ.search(words)
        and not _ABOUT_URL.search(words)
        and not CODE.search(words)
    ):
        yield Problem("unreadable-link", *found.span(), 0.8, "what is asked about lies behind a link")
    elif alone and "\n\n" in text.text.strip() and text.first and not _TOOLS.search(text.text + text.meta):
        yield Problem(
            "link-in-question", *found.span(), 0.3, "the question holds a link that cannot be opened"
        )


# slots and inputs that were never filled

_NO_INPUT = re.compile(  # alone on the last line
    r"(?:\A|\n)[ \t]*([\"'`(<\[]{0,3}\s?(?:no[ -]?inputs?(?: (?:is )?(?:required|needed|provided|necessary|given|available|specified))?|n/a|not applicable|无输入|无需输入|没有输入|无|<?none>?)"
    r"\s?[>)\]\"'`.。]{0,3}(?: \d{1,2})?)\s*\Z",
    re.IGNORECASE,
)
_NO_INPUT_INSIDE = re.compile(r"<\s?no[ _-]?input\s?>?|\bnoinput\b", re.IGNORECASE)


def _no_input(text: Text) -> Iterator[Problem]:
    """A mark that there is no input, which trains a model to expect one."""
    if found := _NO_INPUT.search(text.text[-200:]):
        start = max(0, len(text.text) - 200) + found.start(1)
        if text.text[:start].strip() and not re.search(
            r"\b(?:reply|answer|respond|write|say|output|return|enter|type)(?: with| only| exactly| back)*[:\s\"']*\Z",
            text.text[:start].rstrip(),
            re.IGNORECASE,
        ):
            span = tail(text.text, start)
            yield Problem(
                "placeholder-input",
                *span,
                0.9,
                "a mark stands for an input that there is not",
                "edit",
                {"cut": [span]},
            )
    elif found := _NO_INPUT_INSIDE.search(text.text):
        yield Problem(
            "placeholder-input", *found.span(), 0.6, "a mark for a missing input stands inside the text"
        )


_SLOT = re.compile(
    r"\{\{ ?[\w .-]{1,40} ?\}\}|\[(?:insert|enter|add|fill in|specify|type|replace with|put) [^\]\n]{2,60}\]|<(?:insert|enter|add|fill in|your) [\w ,'/-]{2,40}>|\blorem ipsum\b|\((?:insert|fill in) [^)\n]{2,60}\)"
    r"|(?:\A|\n)[ \t]*(?:TODO|TBD|FIXME|XXX+)\b[:.]?[^\n]{0,60}",
    re.IGNORECASE,
)
_TEMPLATE_WORDS = re.compile(
    r"template|placeholder|fill|blank|lorem|mustache|jinja|handlebars|\bform\b|\bslots?\b|variable|sample|generic|draft|\{\{|\[insert|letter|e-?mail|contract|agreement|resume|cover|模板|占位|填",
    re.IGNORECASE,
)


def _slot(text: Text) -> Iterator[Problem]:
    """A slot of a template that nobody filled; one for a picture is told of as such."""
    hidden = fences(text.text)
    for found in _SLOT.finditer(text.text):
        asks = text.role == "user"
        around = text.text[: found.start()] + " " + text.text[found.end() :] if asks else text.asked
        if within(found.start(), hidden) or CODE.search(around) or _TEMPLATE_WORDS.search(around):
            continue
        # a program may have slots, and a list may be titled with what was asked for
        if ("{{" in found.group() and CODE.search(text.text)) or _wanted(found.group(), text.asked):
            continue
        if _MARKUP.search(found.group()) or (asks and "lorem" in found.group().casefold()):
            continue
        yield Problem("unfilled-slot", *found.span(), 0.7, "a slot of a template was not filled")
        return


def _wanted(slot: str, asked: str) -> bool:
    """Whether the question has the word that a slot of the answer begins with."""
    word = re.match(r"\W*(\w+)", slot)
    return word is not None and re.search(rf"\b{word[1]}\b", asked, re.IGNORECASE) is not None


RULES = (
    Rule(
        ASKED
        & said(
            r"design|create|draw|make|generate|produce|sketch|paint|illustrate|develop|build|construct|render|come up with|provide|craft|compose|prepare|show|crop|record|画|绘|设计|制作|创|生成"
        )
        & said(
            r"logo|illustrat|draw|paint|picture|photo|poster|banner|cartoon|comic|graphic|icon|art|collage|doodle|portrait|image|animation|visual|3d model|mind ?map|word ?cloud|sketch|flyer|brochure|cover|shirt|chart|graph|plan|blueprint|emblem|thumbnail|gif|video|meme|song|audio|podcast|标志|徽标|海报|插图|插画|图|漫画|卡通|绘画"
        ),
        _wants_picture,
    ),
    Rule(
        ASKED
        & said(
            r"image|photo|picture|painting|drawing|chart|graph|figure|diagram|screenshot|video|audio|clip|artwork|attach|enclosed|!\[|<img|<file|vision_start"
        ),
        _missing,
    ),
    Rule(
        ANSWER
        & said(
            r"!\[|<img|[<(\[][^<>\]\)]{0,40}(image|photo|picture|painting|drawing|chart|graph|figure|diagram|screenshot|video|audio|file|document|pdf)|attached|(above|provided|uploaded|enclosed) (image|picture|photo|screenshot|file|document|diagram|chart)|(image|picture|photo|photograph|screenshot|diagram|figure|chart|graph) (above|below|shown|(that )?you)|(in|see) (the|this|your) (image|picture|photo|screenshot|diagram|figure|chart|graph)"
        ),
        _shows,
    ),
    Rule(ASKED & said(r"https?://|www\."), _links),
    Rule(
        ASKED
        & (
            said(
                r"no[ _-]?input|n/a\W{0,3}\s*\z|not applicable\W{0,3}\s*\z|无输入|无需输入|没有输入|无[。.]?\s*\z|\n\W{0,3}none\W{0,3}\s*\z"
            )
        ),
        _no_input,
    ),
    Rule(
        SPOKEN
        & said(
            r"\{\{|[\[(<](insert|enter|add|fill in|specify|type|replace with|put|your) |lorem ipsum|\btodo\b|\btbd\b|fixme|xxx"
        ),
        _slot,
    ),
)

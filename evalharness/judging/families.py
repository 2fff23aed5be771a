"""Which family a model is of, by its name: a judge may like the way in which its own family writes."""

from __future__ import annotations

import re

# the first that fits decides: those made out of another family's weights stand before that family
FAMILIES: tuple[tuple[str, str], ...] = (
    ("DeepSeek", r"deepseek"),
    ("Qwen", r"qwen|qwq|qvq"),
    ("Mistral", r"mistral|mixtral|ministral|magistral|codestral|devstral|pixtral|zephyr"),
    ("Llama", r"llama|vicuna|alpaca|nemotron|tulu"),
    ("GPT", r"gpt|chatgpt|davinci|(?<![a-z])o[1345](?![a-z0-9])"),
    ("Claude", r"claude"),
    ("Gemini", r"gemini|gemma|palm"),
    ("Phi", r"(?<![a-z])phi(?![a-z])"),
    ("Command", r"command-?[ra]|(?<![a-z])aya(?![a-z])|cohere"),
    ("Granite", r"granite"),
    ("OLMo", r"olmo"),
    ("GLM", r"glm"),
    ("Yi", r"(?<![a-z])yi(?![a-z])"),
    ("Kimi", r"kimi|moonshot"),
    ("Grok", r"grok"),
    ("Falcon", r"falcon"),
    ("SmolLM", r"smollm"),
    ("StableLM", r"stablelm"),
    ("InternLM", r"internlm"),
    ("MiniMax", r"minimax"),
    ("Prometheus", r"prometheus"),
)


def family(name: str) -> str | None:
    """The family of a model of that name; None where the name does not tell."""
    for known, pattern in FAMILIES:
        if re.search(pattern, name.lower()):
            return known
    return None


def self_preference(judge: str, candidate: str | None, baseline: str | None) -> str | None:
    """A warning where the judge is of the family of an arm, or where that cannot be told; else None."""
    own = family(judge)
    arms = {
        word: family(name) if name else None
        for word, name in (("candidate", candidate), ("baseline", baseline))
    }
    if own is None:
        return (
            f"the name {judge} does not tell the judge's family: it may be that of an arm, and like its own"
        )
    alike = [word for word, kind in arms.items() if kind == own]
    if len(alike) == 2:
        return f"judge and both arms are of the {own} family: it may like what is more like its own writing"
    if alike:
        return f"judge and {alike[0]} are of the {own} family, the other arm is not: it may like its own"
    if None in arms.values():
        return "the arms' names do not tell their family: it may be the judge's, and it may like its own"
    return None

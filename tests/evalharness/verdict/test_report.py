"""The report: whole, self-contained, harmless whatever the data says, and readable without script."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from curate.visible import visible
from evalharness.commands import verdict as cli_verdict
from evalharness.deciding.seal import check_sealed
from evalharness.deciding.wording import fraction, plain, probability, read_words, signed
from evalharness.report import html, markdown, write_report
from evalharness.report.comparing import compare_dataset, read_comparison
from evalharness.report.forest import steps
from evalharness.report.markdown import escaped, fenced

HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
    "invoice\u202egnp.exe \x1b]52;c;b3duZWQ=\x07 \x00\x9b31m",
    "| a | b |\n|---|---|\n```\n# head\n[link](http://host.example/x) **bold** <b>html</b> &amp;",
    "x" * 20_000,
    "",
    "oak: 你好 👩\u200d🔧 مرحبا",
    "{{ 7 * 7 }} {% include 'style.css' %} </style></title><svg onload=alert(1)>",
    "a" + "\u0301" * 40,
)
VOID = {"meta", "br", "input", "line", "circle", "path", "link", "img"}
BELIEVED = {
    "metric": "accuracy", "arm": "tuned", "why": "14 of 120 test rows had a twin in train.",
    "believed": {"value": 0.94, "n": 120, "low": 0.88, "high": 0.97},
    "true": {"value": 0.81, "n": 96, "low": 0.72, "high": 0.87},
}  # fmt: skip


class Reader(HTMLParser):
    """Tags, attributes, headings and text of a page; an unbalanced page is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.headings: list[int] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in VOID:  # a browser writes `</path>`
            return
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if "style" not in self.open:
            self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.said).replace("\xa0", " ").split())


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def hostile(trial):
    """A comparison in which every text is against us."""
    made = trial(
        rows=60,
        rates={"base": 0.4, "few-shot": 0.5, "rag": 0.7, "tuned": 0.8},
        answers=HOSTILE,
        text="{n} " + HOSTILE[0] + HOSTILE[1] + HOSTILE[2],
        name="<b>tickets</b>|`",
    )
    return read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset, believed=BELIEVED))


@pytest.fixture
def comparison(trial):
    """A plain one."""
    made = trial(rows=120)
    return read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset, believed=BELIEVED))


def test_the_page_stands_alone(comparison):
    """Nothing is fetched and no script is in it."""
    page = read(html(comparison))
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "srcset", "data", "action", "xlink:href"):
            assert name not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in html(comparison) and "@import" not in html(comparison)
    assert ("html", {"lang": "en"}) in page.tags


def test_the_page_says_what_the_design_asks_for_in_its_order(comparison):
    text = read(html(comparison)).text
    order = [
        "SHIP", "Decided by", "Toy model.", "What one would have believed", "Why", "The gain over each baseline",
        "All metrics", "What chance the baselines had", "By label", "No slices by", "Which label is taken for which",
        "What was lost", "Cost and time", "Examples", "What was not measured", "Where it comes from",
        "To make it again", "How the verdict is computed",
    ]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert comparison["verdict"]["reason"].replace("-", "\N{MINUS SIGN}") in text.replace(
        "-", "\N{MINUS SIGN}"
    )
    assert "13.0 points of it did not hold" in text
    assert comparison["subject"]["dataset"] in text
    assert "The test split was read 4 times for 4 arms." in text
    assert "120 of 120 examples are in this file" in text


@pytest.mark.parametrize("told", [0, 1])
def test_how_often_the_test_was_read_is_said_in_the_same_words_everywhere(comparison, told):
    readings = comparison["readings"] | {"count": 4 + told, "declared": told, "broken_off": 2 * told}
    sealed = check_sealed(readings)
    checks = [sealed if check["check"] == sealed["check"] else check for check in comparison["checks"]]
    made = comparison | {"readings": readings, "checks": checks}
    words = read_words(readings)
    assert words == "4 times for 4 arms" + (
        ", and once more only to tell what one would have believed; 2 times more broken off" * told
    )
    page, text = read(html(made)).text, " ".join(markdown(made).replace("\\", "").split())
    assert page.count(words) >= 3 and sealed["detail"] == f"read {words}"
    assert text.count(words) == 2


def test_what_stands_in_the_way_is_told_first_and_nothing_twice(comparison):
    changed = {"format": {"state": "fail"}, "forgetting": {"detail": "none of 200 lost"}}
    checks = [check | changed.get(check["check"], {}) for check in comparison["checks"]]
    page = html(comparison | {"checks": checks})
    why = page[page.index('id="why"') : page.index('id="gain"')]
    assert why.index(">format<") < why.index(">data clean<") < why.index(">judge<")
    assert read(page).text.count("none of 200 lost") == 1
    assert "1 failed" in why and 'href="#lost"' in why


def test_the_head_says_what_each_arm_scored(comparison):
    page = html(comparison)
    head = page[page.index('id="verdict"') : page.index('id="why"')]
    for row in comparison["metrics"]:
        if row["metric"] == "accuracy":
            assert f"<dt>accuracy, {row['arm']}</dt><dd>{fraction(row['mean'])}</dd>" in head


def test_the_page_can_be_heard(comparison):
    """One h1, no level skipped, tables with captions and scopes, plots with title and description."""
    page = read(html(comparison))
    assert page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    tables = sum(tag == "table" for tag, _ in page.tags)
    assert tables == sum(tag == "caption" for tag, _ in page.tags) == 9
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
    plots = [attributes for tag, attributes in page.tags if tag == "svg" and attributes.get("role") == "img"]
    identifiers = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert len(plots) == 2
    for plot in plots:
        assert set((plot["aria-labelledby"] or "").split()) <= identifiers
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    labelled = {attributes.get("for") for tag, attributes in page.tags if tag == "label"}
    assert {a["id"] for tag, a in page.tags if tag == "input"} == labelled


def luminance(colour: str) -> float:
    raw = colour.lstrip("#")
    full = "".join(c * 2 for c in raw) if len(raw) == 3 else raw
    parts = [int(full[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_text_colour_has_contrast_aa_in_light_and_dark(comparison):
    schemes = re.findall(r":root\{(--paper[^}]*)\}", html(comparison))[:2]
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--([a-z-]+):(#[0-9a-f]+)", scheme))
        for text in ("ink", "soft", "accent", "ship", "no", "open"):
            for ground in ("paper", "raised", "fill"):
                assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for tone in ("ship", "no", "open"):
            assert contrast(colours[tone], colours[f"{tone}-fill"]) >= 4.5
            assert contrast(colours["soft"], colours[f"{tone}-fill"]) >= 4.5


def test_hostile_text_is_text_in_html(hostile):
    page = read(html(hostile))
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "b"} - {"b"}
    assert sum(tag == "svg" for tag, _ in page.tags) == 7  # the seal, two plots, three marks and their legend
    source = html(hostile)
    assert "&lt;script&gt;" in source
    assert "\u202e" not in source and "\x1b" not in source and "\x00" not in source and "\x9b" not in source
    assert "⟦U+202E⟧" in source and "⟦U+001B⟧" in source and "⟦+36 marks⟧" in source
    assert "{{ 7 * 7 }}" in page.text and "49" not in re.findall(r"\b49 ", page.text)
    assert "1,200 of 20,000 characters shown" in page.text
    assert "👩\u200d🔧" in page.text


def test_hostile_text_is_text_in_markdown(hostile):
    text = markdown(hostile)
    outside = re.sub(r"^(`{3,})text\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert "<script" not in outside and "<b>" not in outside and "](http" not in outside
    assert "\x1b" not in text and "\u202e" not in text
    for line in outside.splitlines():
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line)
            assert len(cells) in (4, 5, 7, 8, 9, 10), line
    assert "20 of 60 shown" in text


def test_a_fence_is_longer_than_any_inside():
    assert fenced("a ``` b ````` c").startswith("``````text\n")
    assert escaped("a|b `c` <d> &e\n[f](g)") == r"a\|b \`c\` &lt;d\> &amp;e⏎\[f\]\(g\)"


def test_half_a_surrogate_pair_is_written_as_text(tmp_path, comparison):
    comparison["examples"]["rows"][0]["question"] = "half \ud83d pair"
    paths = write_report(comparison, tmp_path)
    assert "half ⟦U+D83D⟧ pair" in paths[0].read_text(encoding="utf-8")
    assert json.loads(paths[2].read_text(encoding="utf-8"))["schema"] == 2


def test_json_holds_the_whole_comparison(tmp_path, comparison):
    paths = write_report(comparison, tmp_path)
    assert [path.name for path in paths] == ["report.html", "report.md", "report.json", "report.xml"]
    assert json.loads(paths[2].read_text(encoding="utf-8")) == comparison
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("rates", [
    {"base": 0.5, "few-shot": 0.6, "rag": 0.8, "tuned": 0.78},
    {"base": 0.2, "few-shot": 0.3, "rag": 0.62, "tuned": 0.7},
    {"base": 0.01, "few-shot": 0.01, "rag": 0.01, "tuned": 0.999},
])  # fmt: skip
@pytest.mark.parametrize("scanned", [True, False])
def test_every_kind_of_verdict_gives_whole_reports(trial, rates, scanned):
    made = trial(rows=30, rates=rates, scanned=scanned)
    found = read_comparison(made.workspace, compare_dataset(made.workspace, made.dataset))
    assert found["verdict"]["outcome"] in read(html(found)).text
    assert found["verdict"]["outcome"] in markdown(found)
    for text in (html(found), markdown(found)):
        assert "None" not in re.sub(r"None right", "", text)
        assert not re.search(r"\bnan\b", text, re.IGNORECASE)


def test_a_report_without_predictions_or_labels_is_whole(comparison):
    bare = comparison | {"cost": [], "slices": [], "believed": None, "lineage": []}
    bare["examples"] = {"total": 0, "kinds": dict.fromkeys(comparison["examples"]["kinds"], 0), "rows": []}
    text = read(html(bare)).text
    assert "Not measured: the predictions are not in this workspace." in text
    assert "By label" not in text and "believed" not in text
    assert "Not measured." in markdown(bare)


def test_the_command_writes_the_files(trial, tmp_path):
    made = trial(rows=30)
    compare_dataset(made.workspace, made.dataset)
    answer = cli_verdict.report(to=tmp_path / "out" / "deep")
    assert {path.name for path in (tmp_path / "out" / "deep").iterdir()} == {
        "report.html", "report.md", "report.json", "report.xml", "report.csv"
    }  # fmt: skip
    assert len(answer.lines) == 5


def test_a_folder_that_cannot_be_made_is_said(trial, tmp_path):
    from curate.errors import ResourceError

    made = trial(rows=30)
    compare_dataset(made.workspace, made.dataset)
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="file"):
        cli_verdict.report(to=tmp_path / "file" / "out")


def test_visible_leaves_plain_text_alone_and_shows_what_hides():
    assert visible("plain ascii") == "plain ascii"
    assert visible("zwölf 你好 👩\u200d🔧") == "zwölf 你好 👩\u200d🔧"
    assert visible("a\u200db\u2066c\ufe0fd") == "a⟦U+200D⟧b⟦U+2066⟧c⟦U+FE0F⟧d"
    assert visible("a\r\nb\tc") == "a\nb    c"
    assert visible("a\nb", lines=False) == "a⏎b"


def test_numbers_read_as_they_should():
    assert [fraction(v) for v in (0.8124, 1.0, 0.0, -0.25, None)] == [".812", "1.000", ".000", "-.250", "n/a"]
    assert [signed(v) for v in (0.0312, -0.1, 0.0, -0.0001, None)] == ["+3.1", "-10.0", "0.0", "0.0", "n/a"]
    assert [probability(v) for v in (0.00001, 0.00042, 0.0412, 0.5, 1.0)] == [
        "<.0001", ".0004", ".041", ".50", "1.00"
    ]  # fmt: skip
    assert plain(0.05) == ".05"
    assert steps(-0.13, 0.41) == [-0.1, 0.0, 0.1, 0.2, 0.3, 0.4]


# in a browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_the_page_in_a_browser_runs_nothing_and_shows_the_verdict(tmp_path, hostile):
    """The page as the browser holds it: the title is ours, and no hostile element came to be."""
    path = write_report(hostile, tmp_path)[0]
    flags = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", f"--user-data-dir={tmp_path / 'profile'}",
    ]  # fmt: skip
    done = subprocess.run(
        [str(CHROMIUM), *flags, "--dump-dom", path.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    page = read(done.stdout.replace("<!DOCTYPE html>", ""))
    assert "<title>owned" not in done.stdout
    assert hostile["verdict"]["outcome"] in page.text
    assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe"}
    picture = tmp_path / "page.png"
    subprocess.run(
        [str(CHROMIUM), *flags, "--window-size=500,1200", f"--screenshot={picture}", path.as_uri()],
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    assert picture.stat().st_size > 20_000

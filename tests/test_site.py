"""The built site in a real browser, page by page, opened as files: as from a USB stick, without a network."""

import io
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import yaml
from browser import open_page, serving
from PIL import Image

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())
NAMES = re.findall(r"(?:file|root): (\S+)", (ROOT / "_toc.yml").read_text())
CHAPTERS = [name for name in NAMES if (ROOT / f"{name}.ipynb").exists()]
SHOTS = ROOT / "_build" / "screenshots"
MOST = 1_500_000  # bytes of a page, uncompressed

pages = pytest.mark.parametrize("name", [*NAMES, "search", "genindex", "py-modindex"])


def test_the_tests_know_every_page(site):
    built = {str(path.relative_to(site).with_suffix("")) for path in site.rglob("*.html")}
    built = {name for name in built if not name.startswith("_static/")}
    assert built == {*NAMES, "search", "genindex", "py-modindex", "index"}


@pytest.fixture(scope="module", autouse=True)
def one_browser():
    """For all of this file: starting it anew for each page would take longer than the pages."""
    with open_page():
        yield


@pytest.fixture(scope="module")
def violations():
    from axe_playwright_python.sync_playwright import Axe

    def found(page, **options):
        """What axe-core calls serious or critical: (rule, the element)."""
        options |= {"resultTypes": ["violations"], "preload": False}  # no requests of its own
        answer = Axe().run(page, options=options).response["violations"]
        return [
            (rule["id"], node["html"][:200])
            for rule in answer if rule["impact"] in ("serious", "critical") for node in rule["nodes"]
        ]  # fmt: skip

    return found


def listen(page):
    """A list that fills with whatever goes wrong on the page, or asks another host."""
    wrong = []
    page.on("console", lambda line: line.type == "error" and wrong.append(f"console: {line.text}"))
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
    page.on("request", lambda r: r.url.startswith(("file:", "data:")) or wrong.append(f"elsewhere: {r.url}"))
    return wrong


def keep_picture(page, name):
    """Load all images; where CI is set, as on GitHub, keep a picture of the page in ``_build/screenshots``."""
    page.evaluate("""() => Promise.all([...document.images].map((image) => {
        image.loading = "eager";
        return image.decode().catch(() => {});
    }))""")
    if not os.environ.get("CI"):  # several seconds each
        return
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name.replace('/', '-')}.jpeg", type="jpeg", quality=50, full_page=True)


# An image that is there, and in its own proportions.
SOUND = """image => image.naturalWidth && (!image.checkVisibility() || image.src.endsWith("svg")
    || Math.abs(image.clientHeight / image.clientWidth * image.naturalWidth / image.naturalHeight - 1) < 0.05)"""

# Visible, but out of the keyboard's reach.
UNREACHED = """[...document.querySelectorAll("a[href], button, input, select, textarea, summary, [role=button]")]
    .filter(e => e.checkVisibility({ visibilityProperty: true }) && e.tabIndex < 0 && !e.disabled)
    .map(e => e.outerHTML.slice(0, 200))"""


# All colours have arrived at their new ones. (Chromium may leave a finished transition's own promise open.)
FADED = """() => new Promise((resolve) => {
    const isRunning = (e) => e instanceof CSSTransition && e.playState === "running";
    const look = () => document.getAnimations().some(isRunning) ? setTimeout(look, 20) : resolve();
    look();
})"""


@pytest.mark.parametrize("width", [1200, 360])
@pages
def test_a_page_is_quiet_fits_and_can_be_read_by_everyone(site, violations, name, width):
    with open_page(width, 900, color_scheme="light") as page:
        wrong = listen(page)
        page.goto((site / f"{name}.html").as_uri(), wait_until="load")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "scrolls sideways"
        assert page.evaluate(UNREACHED) == []
        keep_picture(page, f"{name}-{width}-light")
        assert page.evaluate(f"[...document.images].filter(i => !({SOUND})(i)).map(i => i.src)") == []
        if width == 1200:  # the same elements at either width
            assert violations(page) == []
        page.emulate_media(color_scheme="dark")
        page.locator("html[data-theme=dark]").wait_for()
        page.evaluate(FADED)
        keep_picture(page, f"{name}-{width}-dark")
        if width == 1200:
            assert violations(page, runOnly=["color-contrast"]) == []
        assert wrong == []


def test_the_tab_key_goes_once_through_a_page_and_is_caught_nowhere(site):
    with open_page() as page:
        page.goto((site / "book" / "setup.html").as_uri())
        met = []
        for _ in range(200):
            page.keyboard.press("Tab")
            met.append(page.evaluate("document.activeElement.outerHTML.slice(0, 300)"))
            if met[-1].startswith("<body"):
                break
        controls = page.evaluate(
            "[...document.querySelectorAll('article a[href], article button')]"
            ".filter(e => e.checkVisibility({ visibilityProperty: true }))"
            ".map(e => e.outerHTML.slice(0, 300))"
        )
        assert len(controls) > 5 and set(controls) <= set(met)
        assert "Skip to main content" in met[0]


# How an element, with what it holds and what holds it, looks.
LOOK = """e => [e, ...e.querySelectorAll("*"), e.parentElement].map(each => {
    const style = getComputedStyle(each);
    const line = style.outlineStyle === "none" || parseFloat(style.outlineWidth) === 0 ? "" : style.outline;
    return [line, style.boxShadow === "none" ? "" : style.boxShadow];
}).join()"""


def test_whatever_has_the_focus_shows_it(site):
    with open_page(reduced_motion="reduce") as page:
        page.goto((site / "book" / "01_data.html").as_uri())
        unseen = []
        for _ in range(60):
            page.keyboard.press("Tab")
            page.wait_for_timeout(20)
            name = page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
            element = page.evaluate_handle("document.activeElement")
            focused = page.evaluate(LOOK, element)
            page.evaluate("e => e.blur()", element)
            page.wait_for_timeout(20)
            if page.evaluate(LOOK, element) == focused:
                unseen.append(name)
        assert unseen == []


def test_the_magnifying_glass_leaves_the_word_alone(site):
    apart = """[...document.querySelectorAll(".bd-search")].filter(e => e.checkVisibility()).map(form => {
        const input = form.querySelector("input");
        const text = input.getBoundingClientRect().left + parseFloat(getComputedStyle(input).paddingLeft);
        return text - form.querySelector("svg, i").getBoundingClientRect().right;
    })"""
    with open_page() as page:
        page.goto((site / "search.html").as_uri())
        assert len(found := page.evaluate(apart)) == 1 and min(found) >= 2
        page.goto((site / "book" / "setup.html").as_uri())
        page.locator(".search-button-field >> visible=true").click()
        page.locator("dialog .bd-search").wait_for()
        assert len(found := page.evaluate(apart)) == 1 and min(found) >= 2


def test_an_icon_lies_where_browsers_look_for_it(site):
    with Image.open(site / "favicon.ico") as icon:
        assert {(16, 16), (32, 32)} <= icon.info["sizes"]


@pytest.mark.parametrize("name", ["book/try_it", "search"])
@pytest.mark.parametrize("served", [False, True], ids=["file", "served"])
def test_a_page_refuses_scripts_that_are_not_its_own(site, address, name, served):
    refused = """() => new Promise(resolve => {
        const met = [];
        document.addEventListener("securitypolicyviolation", e => met.push(e.blockedURI + " " + e.effectiveDirective));
        const script = (properties) => document.head.append(Object.assign(document.createElement("script"), properties));
        script({ src: "https://example.org/a.js" });
        script({ textContent: "window.foreign = true" });
        document.body.insertAdjacentHTML("beforeend", '<img src="https://example.org/a.png">');
        fetch("https://example.org/a.json").catch(() => setTimeout(() => resolve([met.sort(), Boolean(window.foreign)]), 100));
    })"""
    with open_page() as page:
        page.goto(f"{address}/{name}.html" if served else (site / f"{name}.html").as_uri())
        assert page.evaluate(refused) == [
            ["https://example.org/a.js script-src-elem", "https://example.org/a.json connect-src",
             "https://example.org/a.png img-src", "inline script-src-elem"], False,
        ]  # fmt: skip
        assert page.evaluate("document.characterSet") == "UTF-8"


def test_every_page_brings_its_policy_before_any_script(site):
    for name in (*NAMES, "search", "genindex", "py-modindex"):
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        policy = text.index('<meta http-equiv="Content-Security-Policy" content="default-src \'none\';')
        assert text.count("Content-Security-Policy") == 1 and policy < text.index("<script"), name
        assert text.encode().index(b"<meta charset") < 1024, name  # further down browsers do not look for it


def test_the_buttons_of_the_header_work_under_the_policy(site):
    with open_page() as page:
        wrong = listen(page)
        page.goto((site / "book" / "setup.html").as_uri())
        page.evaluate("window.print = () => (window.printed = true)")
        page.locator(".btn-fullscreen-button").click()
        page.wait_for_function("document.fullscreenElement")
        page.locator(".btn-download-pdf-button").evaluate("button => button.click()")
        assert page.evaluate("window.printed") and wrong == []


class Links(HTMLParser):
    """The addresses that a page names, and the anchors that it has."""

    def __init__(self, path):
        super().__init__()
        self.named, self.anchors = [], {"", "top"}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        for key, value in attributes:
            if key in ("href", "src") and value:
                self.named.append(value)
            elif key == "id" or (key == "name" and tag == "a"):
                self.anchors.add(value)


def test_every_internal_link_and_anchor_arrives(site):
    read = {path: Links(path) for path in site.rglob("*.html") if "_static" not in path.parts}
    broken = []
    for path, links in read.items():
        for address in links.named:
            parts = urlsplit(urljoin(path.as_uri(), address))
            if parts.scheme != "file":
                continue
            target = Path(unquote(parts.path))
            if not target.is_file():
                broken.append((path.name, address))
            elif target in read and unquote(parts.fragment) not in read[target].anchors:
                broken.append((path.name, address))
    assert broken == []
    assert sum(len(links.named) for links in read.values()) > 1000


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapters_buttons_lead_to_its_notebook(site, name):
    repository, colab = CONFIG["repository"]["url"], CONFIG["launch_buttons"]["colab_url"]
    named = Links(site / f"{name}.html").named
    path = f"{CONFIG['repository']['branch']}/{name}.ipynb"
    owner = repository.removeprefix("https://github.com/")
    assert {f"{colab}/github/{owner}/blob/{path}", f"{repository}/edit/{path}"} <= set(named)
    assert f"../_sources/{name}.ipynb" in named
    assert (site / "_sources" / f"{name}.ipynb").read_bytes() == (ROOT / f"{name}.ipynb").read_bytes()


@pytest.fixture(scope="module")
def address(site):
    with serving(site) as address:
        yield address


@pytest.mark.parametrize(
    "word, name", [("padding", "01_data"), ("plateau", "04_callbacks"), ("focal", "02_imbalance")]
)
def test_the_search_finds_a_chapter_by_a_word_in_it(address, word, name):
    with open_page() as page:
        page.goto(f"{address}/search.html?q={word}")
        page.locator(f"#search-results a[href*='{name}']").first.wait_for(timeout=15_000)


def test_the_search_works_from_a_file_too(site):
    with open_page() as page:
        page.goto(f"{(site / 'search.html').as_uri()}?q=plateau")
        page.locator("#search-results a[href*='04_callbacks']").first.wait_for(timeout=15_000)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_light_and_shows_soon(address, name):
    with open_page() as page:
        sizes = []
        page.on("response", lambda response: sizes.append(len(response.body())))
        page.goto(f"{address}/{name}.html", wait_until="networkidle")
        total = sum(sizes)
        first = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        print(f"{name}: {total / 1e6:.2f} MB, first content after {first:.0f} ms")
        assert total <= MOST
        if first > 1000:  # a busy machine may have its reasons, twice in a row it has not
            page.reload(wait_until="networkidle")
            first = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        assert first <= 1000


def test_pictures_have_a_size_and_wait_until_they_are_near(site):
    for name in CHAPTERS:
        images = re.findall(
            r'<img[^>]+_images/[^"]+\.(?:png|webp)[^>]*>', (site / f"{name}.html").read_text()
        )
        assert len(images) >= 2, name
        for image in images:
            assert re.search(r'width="\d+" height="\d+"', image) and 'loading="lazy"' in image, image


def test_a_figure_goes_out_in_the_smaller_format(site):
    assert len(list((site / "_images").glob("*.webp"))) >= 40
    for path in (site / "_images").glob("*.png"):
        with Image.open(path) as image:
            image.save(other := io.BytesIO(), "WEBP", lossless=True)
        assert other.tell() >= path.stat().st_size, path.name


def test_a_quiz_answers_a_click_and_a_key(site):
    with open_page() as page:
        page.goto((site / "book" / "04_callbacks.html").as_uri())
        questions = page.locator(".ecg-quiz fieldset")
        first, second = questions.nth(0), questions.nth(1)
        assert first.locator(".because:visible").count() == 0
        first.locator("label").first.click()
        assert first.locator(".because:visible").count() == 1
        second.locator("input").first.focus()
        page.keyboard.press("Space")
        assert second.locator(".because:visible").count() == 1

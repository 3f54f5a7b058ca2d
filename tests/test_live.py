"""The live figures, as a reader uses them: in a real browser, on the built site."""

import hashlib
import json
import re
import time

import numpy as np
import pytest
from browser import open_page, serving

from ecg_lessons import CLASSES, make_beats
from ecg_lessons.data import simulate
from tools import live

pytest.importorskip("keras")
from ecg_lessons import load_pretrained

VENDORED = live.LIVE / "tensorflow"


def exported(name):
    """The JSON in a script that ``make live`` wrote."""
    text = (live.LIVE / f"{name}.js").read_text(encoding="utf-8")
    return json.loads(re.search(r"^const \w+ = (.+);$", text, re.M)[1])


@pytest.fixture(scope="module")
def model():
    return load_pretrained("mitbih")


@pytest.fixture(scope="module")
def address(site):
    with serving(site) as address:
        yield address


@pytest.fixture(scope="module")
def started(address):
    """The page, its network started; whatever the browser complains of ends up in ``page.complaints``."""
    with open_page() as page:
        page.complaints = []
        page.on(
            "console", lambda line: line.type in ("error", "warning") and page.complaints.append(line.text)
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("requestfailed", lambda request: page.complaints.append(request.url))
        page.goto(f"{address}/book/try_it.html")
        press_start(page)
        yield page


def press_start(page):
    """Press the button; how long the first answer took, in s."""
    begun = time.perf_counter()
    page.get_by_role("button", name="Start the network").click()
    page.locator(".ecg-answer").filter(has_text="The network says").wait_for()
    return time.perf_counter() - begun


@pytest.fixture
def page(started):
    """The started page, its first beat chosen and its sliders at rest."""
    choose(started, "N", "s001")
    yield started
    assert not started.complaints


def choose(page, kind, person):
    radio = page.get_by_role("radio", name=re.compile(f"^{kind}, .* of person {person}$"))
    radio.click(force=True)


def slide(page, label, value):
    slider = page.get_by_role("slider", name=label)
    slider.fill(str(value))
    return slider


def answer(page):
    """What the figure says: a letter, and the five percentages. It must stand beside the warning."""
    section = page.get_by_role("region", name="What the network says")
    assert section.get_by_text("Not a medical device.").is_visible()
    shares = [int(cell.split()[0]) for cell in section.get_by_role("cell").all_inner_texts()]
    said = section.locator(".ecg-answer").inner_text()
    return re.search(r"The network says (\w),", said)[1], shares


def settled(page, selector, text):
    page.locator(selector).filter(has_text=text).first.wait_for(timeout=20_000)
    return page.locator(selector).filter(has_text=text).first.inner_text()


def offer(page, name, text):
    """Choose a file with the button."""
    content = text if isinstance(text, bytes) else text.encode()
    page.get_by_label("Open a CSV").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})


# ---- what was exported


def test_tensorflow_js_is_as_published_and_brings_its_licence():
    sums = re.findall(r"^ +([0-9a-f]{64})  (\S+)$", (VENDORED / "README.md").read_text(), re.M)
    assert {name for _, name in sums} == {path.name for path in VENDORED.glob("*.js")} and len(sums) == 3
    for known, name in sums:
        assert hashlib.sha256((VENDORED / name).read_bytes()).hexdigest() == known, name
    assert "Apache License" in (VENDORED / "LICENSE").read_text()


def test_the_exported_network_is_the_shipped_one(model):
    assert (live.LIVE / "weights.js").read_text() == live.weights(model), "make live"


def test_the_exported_waves_are_the_simulators():
    found = exported("waves")
    assert found["waves"] == {name: waves.tolist() for name, waves in simulate.WAVES.items()}, "make live"
    assert [c["letter"] for c in found["classes"]] == list(CLASSES)
    people = sorted({int(beat["person"][1:]) for beat in found["gallery"]})
    assert people[:2] == [1, 2] and len(people) == 4
    assert found["gallery"] == [beat for person in people for beat in live.beats_of(person)], "make live"


def test_the_table_of_made_up_people_can_be_measured_again(model):
    people, answers = live.ask_people(model)
    stored = json.loads((live.ROOT / "results" / "live.json").read_text())
    measured = live.asked(answers)
    assert stored["people"] == measured["people"] == len(people)
    assert (
        np.abs(np.array(stored["called"]) - measured["called"]).max() <= 3
    )  # another processor, another border
    assert {people[i][0]["person"] for i in live.shown(answers)} == {
        beat["person"] for beat in exported("waves")["gallery"]
    }


# ---- the same answers as Keras


def largest_difference(page, model, signals):
    asked = "rows => ecgNetwork.load(ecgWeights).then(model => ecgNetwork.predict(model, rows))"
    in_browser = np.array(page.evaluate(asked, signals.tolist()))
    return np.abs(in_browser - model.predict(signals[..., None], verbose=0)).max()


def test_a_thousand_simulated_beats_get_keras_probabilities(page, model):
    difference = largest_difference(page, model, make_beats(1000, seed=1).signals)
    print(f"largest difference, simulated: {difference:.1e}")
    assert difference < 1e-4


def test_a_thousand_real_beats_get_keras_probabilities(real_beats, page, model):
    chosen = np.random.default_rng(0).choice(len(real_beats), 1000, replace=False)
    difference = largest_difference(page, model, real_beats.signals[chosen])
    print(f"largest difference, real: {difference:.1e}")
    assert difference < 1e-4


def test_the_page_cuts_a_beat_as_the_package_does(page):
    gallery = exported("waves")["gallery"]
    rows = page.evaluate("ecgWaves.gallery.map(beat => Array.from(ecgBeat.cut(beat, ecgBeat.UNCHANGED).row))")
    for beat, row in zip(gallery, rows):
        ours = live.row(beat)
        assert (np.float32(row) == ours).all(), beat["person"]


def test_the_page_says_of_the_gallery_what_its_picture_says(page, model):
    gallery = exported("waves")["gallery"]
    expected = model.predict(np.stack([live.row(beat) for beat in gallery])[..., None], verbose=0)
    for beat, probabilities in zip(gallery, expected):
        choose(page, CLASSES[beat["label"]], beat["person"])
        shown = f"{CLASSES[probabilities.argmax()]} {probabilities.max():.0%}"  # as in `gallery_picture`
        letter, shares = answer(page)
        assert f"{letter} {max(shares)}%" == shown, beat["person"]


def test_a_row_of_samples_comes_out_as_it_went_in(page):
    signals = make_beats(50, seed=2).signals
    script = """rows => rows.map(row => Array.from(
        ecgBeat.cut({ samples: ecgBeat.withoutPadding(row) }, ecgBeat.UNCHANGED).row))"""
    assert np.abs(np.array(page.evaluate(script, signals.tolist())) - signals).max() < 1e-6


# ---- quick and small


def test_the_first_answer_comes_within_two_seconds(address):
    seconds = []
    for _ in range(3):
        with open_page() as page:
            page.goto(f"{address}/book/try_it.html")
            seconds.append(press_start(page))
    print(f"first answer after {min(seconds):.2f} to {max(seconds):.2f} s")
    assert min(seconds) < 2


def test_a_beat_takes_less_than_twenty_milliseconds(page):
    script = """rows => ecgNetwork.load(ecgWeights).then(model => rows.map(row => {
        const begun = performance.now();
        ecgNetwork.predict(model, [row]);
        return performance.now() - begun;
    }))"""
    times = page.evaluate(script, make_beats(200, seed=3).signals.tolist())
    print(f"a beat in {np.median(times):.1f} ms (median), {np.percentile(times, 95):.1f} ms (95 %)")
    assert np.median(times) < 20


def test_nothing_is_loaded_before_start_then_less_than_two_megabytes_from_this_site(address):
    with open_page() as page:
        loaded = []
        page.on("response", lambda response: loaded.append((response.url, len(response.body()))))
        page.goto(f"{address}/book/try_it.html", wait_until="networkidle")
        before = [url for url, _ in loaded if "/live/" in url]
        assert [url.rsplit("/", 1)[1] for url in before] == ["start.js"]
        press_start(page)
        page.wait_for_load_state("networkidle")
        sizes = {url: size for url, size in loaded if "/live/" in url}
        assert all(url.startswith(address) for url, _ in loaded if url.endswith(".js") and "/live/" in url)
        total = sum(sizes.values()) / 1e6
        print(f"{len(sizes)} files, {total:.2f} MB")
        assert total <= 2
        assert f"Loads {total:.1f} MB" in (live.LIVE / "start.js").read_text()


def test_other_pages_load_nothing_of_it(site):
    for path in (site / "book").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert ("_static/live/" in text) == (path.stem in ("try_it", "anatomy")), path.name


def test_it_works_from_a_file_and_node_is_not_asked_for(site):
    with open_page() as page:
        page.goto((site / "book" / "try_it.html").as_uri())
        press_start(page)
        assert answer(page)[0] == "N"


# ---- a reader's hands


def test_choose_by_mouse_and_by_keyboard(page):
    choose(page, "V", "s002")
    letter, shares = answer(page)
    assert letter == "V" and shares[2] > 50 and 98 <= sum(shares) <= 102
    page.keyboard.press("ArrowLeft")  # S of the same person, which is taken for N
    assert answer(page)[0] == "N"
    assert "meant as S" in page.locator(".ecg-answer").inner_text()


def test_the_blue_bands_follow_the_answer(page):
    choose(page, "S", "s012")
    text = settled(page, "#try-it .ecg-quiet", "Blue: what the answer hangs on")
    start, end, before, after = map(
        float, re.search(r"With ([\d.]+) to ([\d.]+) s .* from (\d+) % to (\d+) %", text).groups()
    )
    assert end - start == pytest.approx(11 / 120, abs=0.011) and after < before
    assert page.locator(".ecg-occlusion").count() >= 1
    said = settled(page, "#try-it [role=status]", "Not a medical device")
    assert "The network says S" in said


def test_slide_and_the_answer_follows(page):
    choose(page, "V", "s001")
    slider = slide(page, "Noise", 0.3)
    assert answer(page)[0] != "V" and slider.get_attribute("aria-valuetext") == "0.300 mV"
    assert "scale of the whole beat" in settled(page, ".ecg-notice", "Noise")
    swept = settled(page, "#try-it .ecg-quiet", "Called V from 0.000 mV")
    assert swept.rstrip(".").endswith("0.300 mV") and ";" in swept
    slider.press("Home")
    assert answer(page)[0] == "V"
    page.get_by_role("button", name="Reset").click()
    assert page.get_by_role("slider", name="Noise").input_value() == "0"


def test_every_slider_can_be_found_by_its_name_and_changes_the_row(page):
    for label in ("Heart rate", "QRS width", "P wave", "Amplitude", "Noise", "Baseline wander"):
        choose(page, "N", "s001")
        slide(page, "Noise", 0.05)  # without it the amplitude changes nothing that is seen
        line = page.locator("#try-it path.ecg-ink").last
        before = line.get_attribute("d")
        slider = page.get_by_role("slider", name=label)
        slider.focus()
        page.keyboard.press("PageUp")
        assert line.get_attribute("d") != before, label
    choose(page, "N", "s001")
    before = page.locator("#try-it path.ecg-ink").last.get_attribute("d")
    page.get_by_label("125 samples a second").check()
    assert page.locator("#try-it path.ecg-ink").last.get_attribute("d") != before


def draw_trace(page, points):
    """Draw over the paper with the mouse: points as shares of its width and height."""
    page.locator("svg.ecg-paper").scroll_into_view_if_needed()
    box = page.locator("svg.ecg-paper").bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * 230) for x, y in points]
    page.mouse.move(*at[0])
    page.mouse.down()
    for x, y in at[1:]:
        page.mouse.move(x, y, steps=12)
    page.mouse.up()


BROAD = [(0, 0.07), (0.06, 0.85), (0.12, 0.93), (0.2, 0.85), (0.3, 0.6), (0.42, 0.55), (0.62, 0.55)]
BROAD += [(0.64, 0.15), (0.66, 0.6), (0.72, 0.58)]


def test_draw_with_the_mouse(page):
    page.get_by_role("button", name="Draw one").click()
    page.get_by_role("button", name="Blank sheet").click()
    assert "flat line" in page.locator(".ecg-answer").inner_text()
    draw_trace(page, BROAD)
    assert answer(page)[0] == "V" and "Your own drawing" in page.locator("#try-it").inner_text()
    assert page.get_by_role("slider", name="QRS width").is_disabled()
    page.get_by_role("button", name="Stop drawing").click()
    assert answer(page)[0] == "V"


def test_a_stroke_begins_on_the_paper(page):
    """A button held elsewhere and moved over the paper draws nothing, and breaks nothing."""
    page.get_by_role("button", name="Draw one").click()
    page.get_by_role("button", name="Blank sheet").click()
    box = page.locator("svg.ecg-paper").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + box["height"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 50, steps=5)
    page.mouse.up()
    assert "flat line" in page.locator(".ecg-answer").inner_text()
    draw_trace(page, BROAD)
    assert answer(page)[0] == "V"
    page.get_by_role("button", name="Stop drawing").click()


def test_a_flat_line_is_no_beat_until_there_is_noise(page):
    page.get_by_role("button", name="Draw one").click()
    page.get_by_role("button", name="Blank sheet").click()
    slide(page, "Noise", 0.2)
    answer(page)
    slide(page, "Noise", 0)
    assert "flat line" in page.locator(".ecg-answer").inner_text()
    pen = page.get_by_role("slider", name="Pen on the ECG paper")
    assert pen.get_attribute("aria-valuetext").endswith("height 0.20")  # where the first stroke finds it
    assert "–" in page.get_by_role("region", name="What the network says").inner_text()
    page.get_by_role("button", name="Stop drawing").click()


def test_draw_with_the_keyboard(page):
    page.get_by_role("button", name="Draw one").press("Enter")
    page.get_by_role("button", name="Blank sheet").press("Enter")
    pen = page.get_by_role("slider", name="Pen on the ECG paper")
    pen.focus()
    before = pen.get_attribute("aria-valuetext")
    for key in ["Shift+ArrowRight"] * 3 + ["ArrowUp"] * 12:
        page.keyboard.press(key)
    assert pen.get_attribute("aria-valuetext") != before
    assert sum(answer(page)[1]) >= 98
    page.get_by_role("button", name="Stop drawing").press("Enter")


def test_drop_a_file(page):
    row = make_beats(1, seed=4).signals[0]  # the first one is always of class N
    text = ",".join(f"{value:.6f}" for value in [*row, 0])
    script = """text => {
        const data = new DataTransfer();
        data.items.add(new File([text], "beat.csv", { type: "text/csv" }));
        document.getElementById("try-it").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
    }"""
    page.evaluate(script, text)
    assert "“beat.csv”, one row; the file says N" in settled(page, "#try-it .ecg-quiet", "beat.csv")
    answer(page)


@pytest.mark.parametrize(
    "text, note",
    [
        ("\n".join(f"{np.sin(i / 9):.4f}" for i in range(100)), "one column. Scaled from 0 to 1; 100 of 187"),
        ("time,mV\n" + "\n".join(f"{i / 120},{np.cos(i / 9)}" for i in range(300)), "its first 187 of 300 samples"),
        (";".join(f"{np.sin(i / 9):.4f}".replace(".", ",") for i in range(100)), "one row"),
        ("\n".join(",".join(f"{np.sin(i / k):.3f}" for i in range(120)) for k in (8, 9)), "the first of 2 rows"),
        ("\ufeff" + "\t".join(str(i % 50) for i in range(100)) + "\r\n", "one row"),
        (",".join(map(str, range(188))) + "\n" + ",".join(["0.1", "0.9"] * 93 + ["0.5", "2"]), "the file says V"),
        ("," + ",".join(map(str, range(120))) + "\n0," + ",".join(["0.1", "0.9"] * 60), "120 of 187"),
        (",0\n" + "\n".join(f"{i},{np.sin(i / 9)}" for i in range(90)), "90 of 187"),
        (",".join(str(i % 9) for i in range(187)) + ",2", "its first 187 of 188 samples. Scaled"),
    ],
    ids="column time-and-voltage decimal-commas two-rows tabs pandas-without-index pandas-row pandas-series "
    "whole-numbers".split(),
)  # fmt: skip
def test_files_that_can_be_read(page, text, note):
    offer(page, "mine.csv", text)
    assert note in settled(page, "#try-it .ecg-quiet", "mine.csv")
    answer(page)


@pytest.mark.parametrize(
    "text, message",
    [
        ("Dear reader,\nthis is a letter.\n", "Line 2 holds text, not numbers."),
        ("heart", "There are no numbers in this file."),
        ("", "There are no numbers in this file."),
        ("0.1,0.2,0.3", "3 numbers are too few: a beat has at least 40."),
        ("7", "One number is too few"),
        (",".join(["0.5"] * 187), "All numbers are the same."),
        ("\n".join(["0.5"] * 100), "All numbers are the same."),
        ("0\n" * 1_000_000, "has 2 MB; one beat takes a few kB."),
        ("1\n" * 20_000, "more than 10,000 rows."),
        ("0.123456," * 1_200_000, "has 10.8 MB; one beat takes a few kB."),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "This is not a text file."),
        (",".join(["0.1"] * 60 + ["nan"]), "“nan” is not a number that can be used."),
        (",".join(["0.1"] * 60 + ["1e999"]), "“1e999” is not a number that can be used."),
        ("1,2\n" * 50 + "3\n", "Row 51 has 1 numbers, the first has 2."),
        ("1,,2," * 30, "“” is not a number"),
        ("\n".join(f"0,{i % 7}2" for i in range(100)), "Or are these commas decimal ones?"),
    ],
    ids="letter word empty short one constant-row constant-column million-rows many-rows ten-megabytes picture "
    "nan infinite ragged holes decimal-column".split(),
)  # fmt: skip
def test_a_bad_file_gets_a_clear_message_and_the_page_lives_on(page, text, message):
    choose(page, "V", "s001")
    before = answer(page)
    offer(page, "bad.csv", text)
    alert = page.get_by_role("alert").filter(has_text=message)
    alert.wait_for(timeout=10_000)
    assert alert.evaluate("e => e.getBoundingClientRect().bottom <= innerHeight")
    assert answer(page) == before  # the last good beat stays
    choose(page, "N", "s002")
    assert answer(page)[0] == "N" and not page.get_by_role("alert").is_visible()


@pytest.mark.parametrize("start", ["", ".", "1.", "1e"], ids=["digits", "point", "fraction", "exponent"])
def test_a_long_number_does_not_freeze_the_page(page, start):
    script = """text => {
        const begun = performance.now();
        try { ecgCsv.parse(text); } catch (error) { return [error.message, performance.now() - begun]; }
    }"""
    for tail in ("x", ",", "\n1x"):
        message, milliseconds = page.evaluate(script, start + "1" * 50_000 + tail)
        assert len(message) < 200 and milliseconds < 300


def test_a_beat_that_is_chosen_again_is_as_it_was(page):
    slide(page, "QRS width", 3)
    assert answer(page)[0] == "Q"
    choose(page, "N", "s001")
    assert page.get_by_role("slider", name="QRS width").input_value() == "1" and answer(page)[0] == "N"


def test_every_task_can_be_done_and_ticks_itself_off(page):
    done = page.locator(".ecg-tasks .ecg-done")
    steps = [
        ("N", "s001", "QRS width", 3),
        ("V", "s001", "Noise", 0.3),
        ("F", "s002", "Heart rate", 1.5),
        ("V", "s001", "Amplitude", 0.5),
    ]
    for kind, person, label, value in steps:
        before = page.locator(".ecg-tasks li").all_inner_texts()
        choose(page, kind, person)
        slide(page, label, value)
        after = page.locator(".ecg-tasks li").all_inner_texts()
        assert before != after or "Found" in "".join(before), label
    choose(page, "F", "s200")
    page.get_by_label("125 samples a second").check()
    page.get_by_role("button", name="Draw one").click()
    page.get_by_role("button", name="Blank sheet").click()
    draw_trace(page, BROAD)
    page.get_by_role("button", name="Stop drawing").click()
    assert done.count() == page.locator(".ecg-tasks li").count() == 6
    assert "Found: N of s001, 300 %: called Q." in done.first.inner_text()


def test_the_folded_answers_hold(page):
    """What ``try_it.md`` tells of the gallery."""
    script = """() => ecgNetwork.load(ecgWeights).then(model => {
        const called = (beat, settings) => {
            const row = ecgBeat.cut(beat, { ...ecgBeat.UNCHANGED, ...settings }).row;
            const answer = ecgNetwork.predict(model, [row])[0];
            return answer.indexOf(Math.max(...answer));
        };
        const steps = (from, to) => Array.from({ length: 31 }, (_, i) => from + i / 30 * (to - from));
        return ecgWaves.gallery.map((beat) => ({
            label: beat.label, person: beat.person, rest: called(beat, {}), fast: called(beat, { hertz: 125 }),
            qrs: steps(1, 3).map((qrs) => called(beat, { qrs })),
            noise: steps(0, 0.3).map((noise) => called(beat, { noise })),
            rate: steps(0.5, 2).map((rate) => called(beat, { rate })),
        }));
    })"""
    beats = page.evaluate(script)
    of = {c: [beat for beat in beats if beat["label"] == k] for k, c in enumerate(CLASSES)}
    assert all(beat["qrs"][-1] == 4 and set(beat["qrs"]) == {0, 4} for beat in of["N"])
    assert all(2 not in beat["noise"][-8:] for beat in of["V"])
    assert all(np.mean(np.array(beat["noise"]) == 0) > 0.9 for beat in of["N"])
    moved = {c: sum(set(beat["rate"]) != {beat["rest"]} for beat in of[c]) for c in "SFQ"}
    assert set(moved.values()) == {4}
    rows = sorted({beat["person"] for beat in beats})
    assert [(CLASSES[b["label"]], rows.index(b["person"])) for b in beats if b["rest"] != b["fast"]] == [
        ("S", 2), ("F", 3),
    ]  # fmt: skip


# ---- phones, dark pages, broken things


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_it_fits_and_its_letters_can_be_read(address, width, scheme):
    with open_page(width, 800, color_scheme=scheme) as page:
        for name in ("try_it", "anatomy"):
            page.goto(f"{address}/book/{name}.html")
            if name == "try_it":
                press_start(page)
                slide(page, "Noise", 0.1)
                settled(page, "#try-it .ecg-quiet", "Called N")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            for text in ("#try-it .ecg-quiet", ".ecg-live svg text", ".ecg-notice", ".ecg-live button"):
                for ratio in page.evaluate(CONTRAST, text):
                    assert ratio >= 4.5, (name, text, ratio)


# The contrast of each piece of text with the nearest ground behind it.
CONTRAST = """selector => [...document.querySelectorAll(selector)].filter(e => e.checkVisibility()).map(element => {
    const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const style = getComputedStyle(element);
    const ink = numbers(element instanceof SVGElement ? style.fill : style.color);
    let ground = element, colour;
    const paper = element.closest("svg.ecg-paper");
    const inside = paper && element.getBBox().y + element.getBBox().height < paper.viewBox.baseVal.height - 20;
    if (element.closest(".ecg-handle")) colour = numbers(getComputedStyle(element.parentNode.querySelector("[fill]")).fill);
    else if (inside) colour = numbers(getComputedStyle(paper.querySelector(".ecg-ground")).fill);
    else do colour = numbers(getComputedStyle(ground).backgroundColor);
    while ((colour[3] ?? 1) < 0.5 && (ground = ground.parentElement));
    const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const [low, high] = [light(ink), light(colour)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
})"""


def test_on_a_phone_beat_and_answer_stay_in_sight_of_the_sliders(address):
    with open_page(360, 700, has_touch=True) as page:
        page.goto(f"{address}/book/try_it.html")
        press_start(page)
        for label in ("Heart rate", "Baseline wander"):
            slider = page.get_by_role("slider", name=label)
            slider.evaluate("slider => slider.scrollIntoView({ block: 'nearest', behavior: 'instant' })")
            page.wait_for_timeout(300)
            bars = page.get_by_role("region", name="What the network says").bounding_box()
            assert 0 <= bars["y"] and bars["y"] + bars["height"] <= slider.bounding_box()["y"] < 680, label


def test_enlarged_to_twice_its_size_every_slider_can_be_used(address):
    with open_page(600, 400) as page:  # what 200 % makes of 1200 x 800
        page.goto(f"{address}/book/try_it.html")
        press_start(page)
        for slider in page.locator("#try-it input[type=range]").all():
            slider.focus()
            page.wait_for_timeout(400)
            on_top = """slider => {
                const { x, y, width, height } = slider.getBoundingClientRect();
                return document.elementFromPoint(x + width / 2, y + height / 2) === slider;
            }"""
            assert slider.evaluate(on_top)


def test_a_turned_phone_draws_the_figure_anew(address):
    with open_page(360, 740) as page:
        page.goto(f"{address}/book/try_it.html")
        press_start(page)
        slide(page, "Noise", 0.1)
        settled(page, "#try-it .ecg-quiet", "Called N")
        page.set_viewport_size({"width": 740, "height": 360})
        page.wait_for_timeout(500)
        for name in ("svg.ecg-paper", "svg.ecg-sweep"):
            width = page.locator(name).evaluate("e => [e.clientWidth, e.viewBox.baseVal.width]")
            assert width[0] == width[1] > 400, name


def test_a_finger_draws(address):
    with open_page(360, 800, has_touch=True) as page:
        page.goto(f"{address}/book/try_it.html")
        press_start(page)
        page.get_by_role("button", name="Draw one").tap()
        paper = page.locator("svg.ecg-paper")
        assert paper.evaluate("e => getComputedStyle(e).touchAction") == "none"
        before = page.locator("#try-it path.ecg-ink").last.get_attribute("d")
        paper.tap(position={"x": 120, "y": 30})
        assert page.locator("#try-it path.ecg-ink").last.get_attribute("d") != before


def test_without_javascript_the_page_says_so_and_shows_pictures(address):
    with open_page(java_script_enabled=False) as page:
        for name in ("try_it", "anatomy"):
            page.goto(f"{address}/book/{name}.html")
            assert page.get_by_text("JavaScript, which is off").is_visible()
            picture = page.locator("figure.ecg-stored img, .ecg-stored img").first
            assert picture.is_visible() and len(picture.get_attribute("alt")) > 100


def printed(page):
    """What a printed page shows of its figure: the live one, the stored one, and how many buttons."""
    page.emulate_media(media="print")
    shown = page.evaluate("""["svg.ecg-paper", ".ecg-stored img", ".ecg-live .btn"].map((selector) =>
        [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility() && e.getBoundingClientRect().height > 9).length)""")
    page.emulate_media(media="screen")
    return shown


def test_a_printed_page_shows_the_figure_as_it_stands_or_its_picture(address):
    with open_page() as page:
        page.goto(f"{address}/book/anatomy.html")
        assert printed(page) == [1, 0, 0]
        page.goto(f"{address}/book/try_it.html")
        assert printed(page) == [0, 1, 0]
        press_start(page)
        assert printed(page) == [1, 0, 0]


@pytest.mark.parametrize("broken", ["file", "browser"])
def test_a_figure_that_cannot_start_says_so_and_keeps_the_picture(address, broken):
    with open_page() as page:
        if broken == "file":
            page.route("**/weights.js", lambda route: route.abort())
        else:  # one of before 2023
            page.add_init_script("delete window.DecompressionStream")
        page.goto(f"{address}/book/try_it.html")
        page.get_by_role("button", name="Start the network").click()
        page.get_by_text("The figure could not start").wait_for()
        assert page.locator(".ecg-stored img").first.is_visible()


# ---- anatomy of a beat


@pytest.fixture
def anatomy(address):
    with open_page() as page:
        page.goto(f"{address}/book/anatomy.html")
        yield page


def wave(page, name):
    return page.get_by_role("slider", name=f"{name} wave")


def test_the_waves_are_the_simulators_and_can_be_dragged(anatomy):
    heights, centres, _ = simulate.WAVES["sinus"]
    for name, height, centre in zip("PQRST", heights, centres):
        assert wave(anatomy, name).get_attribute("aria-valuetext") == f"{height:.2f} mV at {centre:.2f} s"
    handle = wave(anatomy, "T").locator("circle").first
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    anatomy.mouse.move(x, y)
    anatomy.mouse.down()
    anatomy.mouse.move(x + 40, y + 120, steps=8)
    anatomy.mouse.up()
    now = wave(anatomy, "T").get_attribute("aria-valuetext")
    assert float(now.split()[0]) < 0 and float(now.split()[3]) > centres[4]
    assert anatomy.get_by_text("T: the ventricles recover.").is_visible()
    anatomy.get_by_role("button", name="Reset").click()
    assert wave(anatomy, "T").get_attribute("aria-valuetext").startswith("0.30 mV")


def test_the_four_things_to_try_by_keyboard(anatomy):
    intervals = anatomy.locator("#anatomy .ecg-answer")
    usual = dict(re.findall(r"(PR|QRS|QT) ([\d.]+) s", intervals.inner_text()))
    assert 0.12 <= float(usual["PR"]) <= 0.20 and float(usual["QRS"]) < 0.12
    wave(anatomy, "P").focus()
    for _ in range(5):
        anatomy.keyboard.press("ArrowLeft")
    assert float(re.search(r"PR ([\d.]+)", intervals.inner_text())[1]) > 0.20
    for _ in range(3):
        anatomy.keyboard.press("ArrowDown")
    assert "no P wave" in intervals.inner_text()
    wave(anatomy, "S").focus()
    for _ in range(4):
        anatomy.keyboard.press("ArrowRight")
    assert float(re.search(r"QRS ([\d.]+)", intervals.inner_text())[1]) >= 0.12
    anatomy.get_by_role("slider", name="Width of S").press("ArrowRight")
    assert wave(anatomy, "S").get_attribute("class").endswith("ecg-chosen")

"""The built site in Firefox: every page, and the main path through the live figures."""

import re

import numpy as np
import pytest
from browser import serving
from firefox import open_firefox

from ecg_lessons import CLASSES
from tools import live


@pytest.fixture(scope="module")
def tab():
    with open_firefox() as tab:
        yield tab


@pytest.fixture(scope="module")
def address(site):
    with serving(site) as address:
        yield address


SOUND = "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
WIDTH = "document.documentElement.scrollWidth"


@pytest.mark.parametrize("served", [False, True], ids=["file", "served"])
def test_every_page_is_quiet_and_fits(site, address, tab, served):
    names = sorted(
        str(path.relative_to(site)) for path in site.rglob("*.html") if "_static" not in path.parts
    )
    names.remove("index.html")  # which leads on at once
    troubles = []
    for name in names:
        tab.resize(1200, 900)
        tab.goto(f"{address}/{name}" if served else (site / name).as_uri())
        wide = tab.evaluate(WIDTH)
        tab.resize(360, 900)
        narrow = tab.evaluate(WIDTH)
        found = (wide > 1200, narrow > 360, tab.wrong(), tab.evaluate(SOUND))
        if any(found):
            troubles.append((name, wide, narrow, *found[2:]))
    assert troubles == []
    assert len(names) > 30


def test_what_comes_from_elsewhere_is_refused(address, tab):
    tab.goto(f"{address}/book/try_it.html")
    tab.evaluate(
        "document.head.append(Object.assign(document.createElement('script'), { src: 'https://example.org/a.js' }))"
    )
    tab.evaluate("new Promise(resolve => setTimeout(resolve, 100))")
    (refused,) = tab.wrong()
    assert "blocked a script (script-src-elem) at https://example.org/a.js" in refused


SHARES = "[...document.querySelectorAll('.ecg-table td')].map(cell => parseInt(cell.innerText))"


def test_start_choose_and_read_what_keras_says(address, tab):
    keras = pytest.importorskip("keras")  # noqa: F841
    from ecg_lessons import load_pretrained

    beats = [b for person in (1, 2) for b in live.beats_of(person)]
    rows = np.stack([live.row(beat) for beat in beats])
    expected = load_pretrained("mitbih").predict(rows[..., None], verbose=0)
    tab.resize(1200, 900)
    tab.goto(f"{address}/book/try_it.html")
    tab.click("#try-it button")
    tab.wait_for("document.querySelector('.ecg-answer')?.innerText.includes('The network says')")
    tab.click("input[value='0']")
    for beat, probabilities in zip(beats, expected):
        said = tab.evaluate("document.querySelector('.ecg-answer').innerText")
        assert f"The network says {CLASSES[probabilities.argmax()]}," in said, beat["person"]
        assert np.abs(np.array(tab.evaluate(SHARES)) - 100 * probabilities).max() <= 0.51
        tab.press("\ue014")  # the arrow to the right: the next beat
    asked = (
        "ecgNetwork.load(ecgWeights).then(model => ecgNetwork.predict(model, ecgWaves.gallery.slice(0, 10)"
    )
    found = tab.evaluate(f"{asked}.map(beat => ecgBeat.cut(beat, ecgBeat.UNCHANGED).row)))")
    assert np.abs(np.array(found) - expected).max() < 1e-4
    assert tab.wrong() == []


def test_the_waves_can_be_moved_by_keyboard(address, tab):
    tab.goto(f"{address}/book/anatomy.html")
    handle = "document.querySelector('.ecg-handle')"
    tab.click(".ecg-handle circle")
    before = tab.evaluate(f"{handle}.getAttribute('aria-valuetext')")
    tab.press("\ue012")
    after = tab.evaluate(f"{handle}.getAttribute('aria-valuetext')")
    assert [float(re.search(r"at (.+) s", text)[1]) for text in (before, after)] == [-0.17, -0.18]
    assert tab.wrong() == []

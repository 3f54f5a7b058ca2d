"""The cards' tables are what was measured, and what was measured can be measured again."""

import json
import re

import numpy as np
import pytest

pytest.importorskip("keras")
import ecg_lessons
from ecg_lessons import DataError, load_results
from tools import cards


@pytest.fixture(scope="module")
def found():
    return load_results("evaluation")


@pytest.mark.parametrize("page", cards.PAGES, ids=lambda p: p.name)
def test_the_tables_are_those_of_the_results_file(page, found):
    assert cards.filled(page.read_text(), found) == page.read_text(), "make cards"


def test_every_table_has_a_place(found):
    asked = {name for page in cards.PAGES for name in re.findall("<!-- table: (.+?) -->", page.read_text())}
    assert asked == set(cards.tables(found))


def test_no_page_types_a_score_by_hand():
    """Outside tables and code, the cards' prose has no decimal number but lengths in seconds, and three shares:
    of the RR interval in the published cut, the intervals' level, and by how much 120 Hz differs from 125."""
    for page in cards.PAGES:
        prose = re.sub("<!-- table.*?<!-- end -->|```.*?```", "", page.read_text(), flags=re.S)
        scores = re.findall(r"(?<![\d.])0\.\d+\b(?! s\b)|\d+ ?%", prose)
        assert set(scores) <= {"20 %", "95 %", "4 %"}, page.name


def test_a_table_that_there_is_not_is_named(found):
    with pytest.raises(DataError, match="no table 'weather'"):
        cards.filled("<!-- table: weather --><!-- end -->", found)


def test_a_number_that_does_not_exist_is_a_dash():
    assert (
        cards.interval([None, None, None]) == "–"
        and cards.interval([0.5, 0.25, 0.75]) == "0.50\u00a0(0.25–0.75)"
    )


def test_the_networks_are_measured_again_to_the_same(found, real_beats):
    again = cards.evaluated(real_beats, ecg_lessons.fetch_mitbih(recipe="context"), cards.people())
    assert json.loads(json.dumps(again["people"])) == found["people"] and again["data"] == found["data"]
    for name, network in found["networks"].items():
        mine = again["networks"][name]
        np.testing.assert_allclose(mine["accuracy"], network["accuracy"], atol=0.003)
        np.testing.assert_allclose(mine["macro-F1"], network["macro-F1"], atol=0.01)
        assert {c: n["beats"] for c, n in mine["classes"].items()} == {
            c: n["beats"] for c, n in network["classes"].items()
        }

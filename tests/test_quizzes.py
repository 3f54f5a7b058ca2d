"""The quizzes: what their files may hold, and that a reader can answer them with nothing but a keyboard."""

import sys
from pathlib import Path

import pytest

from ecg_lessons import DataError, load_quiz
from ecg_lessons.teaching.quiz import Quiz

sys.path.append(str(Path(__file__).parent))
from browser import open_page  # noqa: E402

ROOT = Path(__file__).parents[1]
NAMES = sorted(path.stem for path in (ROOT / "book").glob("*.ipynb"))
every_quiz = pytest.mark.parametrize("name", NAMES)

WRONG = {"text": "No.", "because": "Think of the people."}
RIGHT = {"text": "Yes.", "because": "It is so.", "right": True}


def question(*options, ask="Is it so?"):
    return {"ask": ask, "options": list(options or (RIGHT, WRONG))}


def test_every_chapter_has_a_quiz_and_there_is_no_other():
    assert sorted(path.stem for path in (ROOT / "book" / "quizzes").glob("*.yml")) == NAMES


@every_quiz
def test_a_quiz_has_four_to_six_questions_with_feedback_on_every_option(name):
    quiz = load_quiz(name)
    assert 4 <= len(quiz.questions) <= 6
    for asked in quiz.questions:
        assert 3 <= len(asked["options"]) <= 4
        feedback = [option["because"] for option in asked["options"]]
        assert len(set(feedback)) == len(feedback) and min(map(len, feedback)) > 20, asked["ask"]
        right = next(option["text"] for option in asked["options"] if option.get("right"))
        for option in asked["options"]:  # a wrong answer is explained, the right one is not given away
            assert option.get("right") or right.lower().rstrip(".") not in option["because"].lower(), option


@every_quiz
def test_the_right_answer_does_not_stand_out(name):
    quiz = load_quiz(name)
    places, longest = set(), 0
    for asked in quiz.questions:
        shuffle_options = quiz.shuffle_options(asked)
        places.add(next(i for i, option in enumerate(shuffle_options) if option.get("right")))
        longest += max(asked["options"], key=lambda option: len(option["text"])).get("right", False)
    assert len(places) > 1 and longest < len(quiz.questions)


@pytest.mark.parametrize(
    ("questions", "told"),
    [
        ("ask", "not a list"),
        ([], "not a list"),
        ([{"ask": "?"}], "'ask' and 'options'"),
        ([question() | {"score": 3}], "nothing else"),
        ([question(RIGHT)], "two at least"),
        ([question(WRONG, WRONG | {"text": "Never."})], "exactly one"),
        ([question(RIGHT, RIGHT | {"text": "Surely."})], "exactly one"),
        ([question(RIGHT, {"text": "No."})], "'text' and 'because'"),
        ([question(RIGHT, WRONG | {"text": 3})], "must be a text"),
        ([question(RIGHT, WRONG | {"because": " "})], "must be a text"),
        ([question(RIGHT, WRONG, WRONG)], "same option twice"),
    ],
)
def test_a_file_that_is_no_quiz_is_refused(questions, told):
    with pytest.raises(DataError, match=told):
        Quiz("trial", questions)


def test_a_quiz_that_there_is_not_is_named_with_those_that_there_are():
    with pytest.raises(DataError, match="no quiz '08_end'; there are 01_data, 02_imbalance"):
        load_quiz("08_end")


def test_code_and_emphasis_are_marked_up_and_html_is_not():
    quiz = Quiz("trial", [question(RIGHT, WRONG | {"text": "`a*b` < *this* 2 * 3 * 4 <b>"})])
    assert "<code>a*b</code> &lt; <em>this</em> 2 * 3 * 4 &lt;b&gt;" in quiz._repr_html_()


def test_it_is_the_same_at_each_run_and_can_be_read_without_html():
    one, other = (load_quiz("01_data") for _ in range(2))
    assert one._repr_html_() == other._repr_html_()
    text = repr(one)
    assert all(option["text"].strip() in text for asked in one.questions for option in asked["options"])
    assert "because" not in text.lower().split() and "Right." not in text


# ---- in a browser


def written(folder, name="01_data"):
    page = folder / "quiz.html"
    page.write_text(f'<!doctype html><html lang="en"><meta charset="utf-8">{load_quiz(name)._repr_html_()}')
    return page.as_uri()


def shown(page):
    return page.locator(".because:visible").all_inner_texts()


def test_a_click_shows_the_feedback_of_the_option_and_of_no_other(tmp_path):
    with open_page() as page:
        page.goto(written(tmp_path))
        assert shown(page) == []
        box = page.locator("fieldset").first
        for option in box.locator(".option").all():
            option.locator("label").click()
            (feedback,) = shown(page)
            assert feedback.startswith(("Right.", "Not yet."))
            assert feedback == option.locator(".because").inner_text()


def test_it_can_be_answered_by_keyboard_alone(tmp_path):
    with open_page() as page:
        page.goto(written(tmp_path))
        seen = set()
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        for _ in range(4):  # the arrows walk round the options of a question
            seen.update(shown(page))
            page.keyboard.press("ArrowDown")
        assert len(seen) == page.locator("fieldset").first.locator(".option").count()
        page.keyboard.press("Tab")  # on to the next question
        page.keyboard.press("Space")
        assert len(shown(page)) == 2


def test_without_javascript_it_is_readable_and_answers_all_the_same(tmp_path):
    with open_page(java_script_enabled=False) as page:
        page.goto(written(tmp_path))
        assert page.locator(".option label:visible").count() == sum(
            len(asked["options"]) for asked in load_quiz("01_data").questions
        )
        page.locator("label").first.click()
        assert len(shown(page)) == 1


def test_the_order_differs_from_visit_to_visit(tmp_path):
    with open_page() as page:
        orders = set()
        for _ in range(8):
            page.goto(written(tmp_path))
            orders.add(tuple(page.locator("label").all_inner_texts()))
        assert len(orders) > 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(tmp_path, scheme):
    with open_page(width=360, height=700, color_scheme=scheme) as page:
        page.goto(written(tmp_path))
        page.locator("label").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360

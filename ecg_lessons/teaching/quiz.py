"""The quizzes at the ends of the chapters: from ``book/quizzes/*.yml`` to HTML that needs no script.

A quiz is a list of questions. A question has ``ask`` and ``options``; an option has ``text`` and
``because``, the feedback that choosing it shows, and the right one of each question ``right: true``.
Texts may hold `code` and *emphasis*.
"""

import html
import random
import re

import yaml

from ..errors import DataError
from ..storage import find_shipped_folder

MARK = {True: "Right.", False: "Not yet."}

# Every option is a radio button with its feedback behind it; CSS alone shows the feedback of the one that
# is chosen, so that it works by keyboard, without JavaScript, and in Colab and Jupyter as on the site. The
# colours are see-through, for dark mode.
STYLE = """
.ecg-quiz { max-width: 46rem; color: inherit; font-size: 1rem; line-height: 1.5; text-align: left; }
.ecg-quiz fieldset { border: 1px solid rgba(128, 128, 128, .5); border-radius: 6px; margin: 0 0 1rem;
  padding: .6rem 1rem .8rem; min-width: 0; }
.ecg-quiz legend { float: left; width: 100%; padding: 0; margin: 0 0 .4rem; font-size: inherit;
  font-weight: 600; white-space: normal; }
.ecg-quiz .option { clear: both; padding: .15rem 0; white-space: normal; }
.ecg-quiz .option label { display: inline; margin: 0; cursor: pointer; }
.ecg-quiz input { margin: 0 .5rem 0 0; accent-color: #0072b2; }
.ecg-quiz input:focus-visible { outline: 3px solid #0072b2; outline-offset: 2px; }
.ecg-quiz .because { display: none; margin: .25rem 0 .4rem 1.4rem; padding: .3rem .7rem; white-space: normal;
  border-left: 4px solid #d55e00; background: rgba(213, 94, 0, .12); }
.ecg-quiz .because.right { border-color: #009e73; background: rgba(0, 158, 115, .14); }
.ecg-quiz input:checked ~ .because { display: block; }
"""
# Another order at each visit. Without it the order is that of `Quiz`, which is a shuffled one, too.
SHUFFLE = """
document.querySelectorAll(".ecg-quiz fieldset:not([data-shuffled])").forEach(function (box) {
  box.dataset.shuffled = "yes";
  var options = Array.from(box.querySelectorAll(".option"));
  options.map(function (o) { return [Math.random(), o]; })
    .sort(function (a, b) { return a[0] - b[0]; })
    .forEach(function (pair) { box.appendChild(pair[1]); });
});
"""


class Quiz:
    """The questions of a chapter, as a notebook shows them.

    Parameters
    ----------
    name : str
        The chapter's file name without its ending.
    questions : list of dict
        As the module's first lines say.

    Raises
    ------
    DataError
        If something is missing, or not exactly one option of each question is right.
    """

    def __init__(self, name, questions):
        self.name, self.questions = name, _check_questions(name, questions)

    def shuffle_options(self, question):
        """The options of a question in an order that its text decides: the same everywhere."""
        options = list(question["options"])
        random.Random(question["ask"]).shuffle(options)
        return options

    def __repr__(self):
        lines = []
        for i, question in enumerate(self.questions, 1):
            lines.append(f"{i}. {question['ask']}")
            lines += [f"   ( ) {option['text']}" for option in self.shuffle_options(question)]
        return "\n".join(lines)

    def _repr_html_(self):
        boxes = "\n".join(self._format_question(i, question) for i, question in enumerate(self.questions, 1))
        return (
            f'<section class="ecg-quiz" aria-label="Quiz">\n<style>{STYLE}</style>\n{boxes}\n'
            f"<script>{SHUFFLE}</script>\n</section>"
        )

    def _format_question(self, i, question):
        name = f"quiz-{self.name}-{i}"
        options = []
        for k, option in enumerate(self.shuffle_options(question)):
            right = option.get("right", False)
            options.append(
                f'<div class="option" aria-live="polite"><input type="radio" name="{name}" id="{name}-{k}" '
                f'autocomplete="off"><label for="{name}-{k}">{_format_text(option["text"])}</label>'
                f'<p class="because{" right" if right else ""}"><strong>{MARK[right]}</strong> '
                f"{_format_text(option['because'])}</p></div>"
            )
        legend = f"<legend>{i}. {_format_text(question['ask'])}</legend>"
        return "\n".join([f"<fieldset>{legend}", *options, "</fieldset>"])


def load_quiz(name):
    """The quiz of a chapter.

    Parameters
    ----------
    name : str
        The chapter's file name without its ending, "01_data" for example.

    Returns
    -------
    Quiz
        Shown by a notebook as questions that can be answered.

    Raises
    ------
    DataError
        If there is no such quiz, or its file is not a quiz.
    """
    folder = find_shipped_folder("quizzes", "book/quizzes")
    path = folder / f"{name}.yml"
    try:
        return Quiz(name, yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        there = ", ".join(sorted(p.stem for p in folder.glob("*.yml")))
        raise DataError(f"There is no quiz {name!r}; there are {there}.") from None
    except yaml.YAMLError as error:
        raise DataError(f"{path} is no YAML: {error}") from None


def _check_questions(name, questions):
    if not isinstance(questions, list) or not questions:
        raise DataError(f"The quiz {name} is not a list of questions.")
    for i, question in enumerate(questions, 1):
        where = f"Question {i} of the quiz {name}"
        if not isinstance(question, dict) or set(question) != {"ask", "options"}:
            raise DataError(f"{where} must have 'ask' and 'options', and nothing else.")
        if not isinstance(question["options"], list) or len(question["options"]) < 2:
            raise DataError(f"{where} must have options, two at least.")
        for option in question["options"]:
            if not isinstance(option, dict) or not {"text", "because"} <= set(option) <= {
                "text",
                "because",
                "right",
            }:
                raise DataError(f"{where}: an option has 'text' and 'because', the right one 'right: true'.")
        texts = [question["ask"], *(o[key] for o in question["options"] for key in ("text", "because"))]
        if not all(isinstance(text, str) and text.strip() for text in texts):
            raise DataError(f"{where}: every text must be a text, in quotes if YAML reads it as a number.")
        if [option.get("right", False) for option in question["options"]].count(True) != 1:
            raise DataError(f"{where} must have exactly one option with 'right: true'.")
        if len({option["text"] for option in question["options"]}) < len(question["options"]):
            raise DataError(f"{where} has the same option twice.")
    return questions


def _format_text(text):
    text = html.escape(text.strip(), quote=False)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return re.sub(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])", r"<em>\1</em>", text)

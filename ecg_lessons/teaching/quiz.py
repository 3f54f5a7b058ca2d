"""The quizzes at the ends of the chapters: from ``book/quizzes/*.yml`` to HTML that needs no script.

A quiz is a list of questions. A question has ``ask`` and ``options``; an option has ``text`` and
``because``, the feedback that choosing it shows, and the right one of each question ``right: true``.
Texts may hold `code` and *emphasis*.

Every option is a radio button with its feedback behind it. ``quiz.css`` alone shows the feedback of the one
that is chosen, so that a quiz works by keyboard, without JavaScript, and in Colab and Jupyter as on the
site; its colours are see-through, for dark mode. ``quiz.js`` brings another order at each visit; without it
the order is that of `Quiz`, which is a shuffled one, too.
"""

import html
import random
import re
from importlib.resources import files

import yaml

from ..errors import DataError
from ..storage import find_shipped_folder

FEEDBACK = {True: '<p class="because right"><strong>Right.', False: '<p class="because"><strong>Not yet.'}


class Quiz:
    """The questions of a chapter, as a notebook shows them.

    `name` is the chapter's file name without its ending, and `questions` a list of dict as the module's
    first lines say. Raises DataError if something is missing, or a question has not exactly one right option.
    """

    def __init__(self, name: str, questions: list[dict]):
        if not isinstance(questions, list) or not questions:
            raise DataError(f"The quiz {name} is not a list of questions.")
        for i, question in enumerate(questions, 1):
            if fault := _find_fault(question):
                raise DataError(f"Question {i} of the quiz {name} {fault}.")
        self.name, self.questions = name, questions

    def shuffle_options(self, question: dict) -> list[dict]:
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
        folder = files(__package__)
        style, script = (folder.joinpath(f"quiz.{kind}").read_text("utf-8") for kind in ("css", "js"))
        lines = ['<section class="ecg-quiz" aria-label="Quiz">', f"<style>\n{style}</style>"]
        for i, question in enumerate(self.questions, 1):
            lines.append(f"<fieldset><legend>{i}. {_format_text(question['ask'])}</legend>")
            name = f"quiz-{self.name}-{i}"
            for k, option in enumerate(self.shuffle_options(question)):
                lines.append(
                    f'<div class="option" aria-live="polite"><input type="radio" name="{name}" id="{name}-{k}" '
                    f'autocomplete="off"><label for="{name}-{k}">{_format_text(option["text"])}</label>'
                    f"{FEEDBACK[option.get('right', False)]}</strong> {_format_text(option['because'])}</p></div>"
                )
            lines.append("</fieldset>")
        return "\n".join([*lines, f"<script>\n{script}</script>", "</section>"])


def load_quiz(name: str) -> Quiz:
    """The quiz of a chapter, which a notebook shows as questions that can be answered.

    `name` is the chapter's file name without its ending, "01_data" for example. Raises DataError if there is
    no such quiz, or its file is not a quiz.
    """
    folder = find_shipped_folder("quizzes", "book/quizzes")
    path = folder / f"{name}.yml"
    try:
        return Quiz(name, yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        names = ", ".join(sorted(p.stem for p in folder.glob("*.yml")))
        raise DataError(f"There is no quiz {name!r}; there are {names}.") from None
    except yaml.YAMLError as error:
        raise DataError(f"{path} is no YAML: {error}") from None


def _find_fault(question):
    """What a question of a quiz's file lacks, as the end of a sentence, or None."""
    if not isinstance(question, dict) or set(question) != {"ask", "options"}:
        return "must have 'ask' and 'options', and nothing else"
    options = question["options"]
    if not isinstance(options, list) or len(options) < 2:
        return "must have options, two at least"
    if any(not isinstance(o, dict) or set(o) - {"right"} != {"text", "because"} for o in options):
        return (
            "must have options with 'text' and 'because', the right one with 'right: true', and nothing else"
        )
    texts = [question["ask"], *(option[key] for option in options for key in ("text", "because"))]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        return "has something that must be a text, in quotes if YAML reads it as a number"
    if [option.get("right", False) for option in options].count(True) != 1:
        return "must have exactly one option with 'right: true'"
    if len({option["text"] for option in options}) < len(options):
        return "has the same option twice"
    return None


def _format_text(text):
    text = html.escape(text.strip(), quote=False)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return re.sub(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])", r"<em>\1</em>", text)

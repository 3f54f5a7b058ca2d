"""How every check refuses, hints and praises."""

import functools
import inspect
import math
import textwrap
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Verdict(NamedTuple):
    """What a check found: `passed`, and a text that praises or says what is missing."""

    passed: bool
    message: str

    def __repr__(self):
        text = f"{'Passed' if self.passed else 'Not yet'}. {self.message[:1].upper()}{self.message[1:]}"
        return textwrap.fill(text, 78)


class NotYet(Exception):
    """Raised inside a check, with the hint for a wrong answer."""


def make_check(check: Callable[..., str]) -> Callable[..., Verdict]:
    """Make a check that gives a `Verdict` of a function that raises `NotYet` or returns the praise.

    An answer that is still None is refused before the function sees it. A parameter annotated as float
    reaches it as a number, and one annotated as np.ndarray as an array of float64.
    """
    signature = inspect.signature(check)
    readers = {float: read_number, np.ndarray: functools.partial(np.asarray, dtype=np.float64)}

    @functools.wraps(check)
    def check_answers(*args, **named):
        answers = signature.bind(*args, **named).arguments
        try:
            for answer in answers.values():
                reject(answer is None, "put your answer in the place of None.")
            for name, answer in answers.items():
                reader = readers.get(signature.parameters[name].annotation)
                answers[name] = reader(answer) if reader else answer
            return Verdict(True, check(**answers))
        except NotYet as hint:
            return Verdict(False, str(hint))

    return check_answers


def reject(wrong: bool, hint: str) -> None:
    """Raise `NotYet` with the hint if something is wrong."""
    if wrong:
        raise NotYet(hint)


def compare_number(answer: float, right: float, tolerance: float, otherwise="", likely=()) -> None:
    """Raise `NotYet` unless a number is right within the tolerance.

    The hint is that of the first of the `likely` wrong numbers, each (number, tolerance, hint), that the
    answer is; else `otherwise`; else whether the answer is too low or too high.
    """
    direction = "this is too low." if answer < right else "this is too high."
    hints = [hint for wrong, within, hint in likely if abs(answer - wrong) <= within]
    reject(not abs(answer - right) <= tolerance, [*hints, otherwise or direction][0])


def read_number(answer) -> float:
    """The float that a reader gave as a number, an array of one, or a text such as "0.7", "0,7" or "70 %"."""
    try:
        text = str(answer if isinstance(answer, str) else np.asarray(answer, dtype=np.float64).item())
        number = float(text.replace(",", ".").rstrip("% ")) / (100 if text.strip().endswith("%") else 1)
    except (TypeError, ValueError):
        number = math.nan
    # Every comparison with NaN is false, so that it would slip through the checks.
    reject(math.isnan(number), f"one number is wanted here, not {answer!r:.40}.")
    return number

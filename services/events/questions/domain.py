"""The rules for answers to an event's own questions. Pure."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from shared.errors import Invalid

KINDS = ("text", "choice", "choices", "number", "yes_no", "date")
# An allergy or a wish takes a few sentences.
LONGEST_ANSWER = 1000
# Caterers have been paid by then: a guest's diet is not needed for longer.
SENSITIVE_KEPT_AFTER_THE_END = timedelta(days=7)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def check_answers(
    questions: Iterable[Mapping[str, Any]], given: Mapping[str, Any], *, complete: bool, path: str = "answers"
) -> dict[str, Any]:
    """The answers, each checked by its question; null takes an answer back.

    `complete`: every required question needs one. Raises Invalid with the path of each wrong answer.
    """
    by_key = {question["key"]: question for question in questions}
    checked: dict[str, Any] = {}
    errors: dict[str, list[str]] = {
        f"{path}.{key}": ["There is no such question."] for key in given if key not in by_key
    }
    for key, question in by_key.items():
        value = given.get(key)
        if value is None:
            if complete and question["required"]:
                errors[f"{path}.{key}"] = ["Missing data for required field."]
            elif key in given:
                checked[key] = None
            continue
        try:
            checked[key] = _CHECKS[question["kind"]](value, [option["key"] for option in question.get("options") or []])
        except ValueError as error:
            errors[f"{path}.{key}"] = [str(error)]
    if errors:
        raise Invalid(errors)
    return checked


def with_answers(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The answers after those that were given now; null takes one back."""
    return {key: value for key, value in {**before, **given}.items() if value is not None}


def _text(value: Any, options: list[str]) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("Must not be blank.")
    if len(value) > LONGEST_ANSWER:
        raise ValueError(f"Longer than maximum length {LONGEST_ANSWER}.")
    return value.strip()


def _choice(value: Any, options: list[str]) -> str:
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"Must be one of: {', '.join(options)}.")
    return value


def _choices(value: Any, options: list[str]) -> list[str]:
    if not isinstance(value, list) or not value or any(not isinstance(each, str) for each in value):
        raise ValueError(f"Must be one of: {', '.join(options)}, or several of them.")
    return [_choice(each, options) for each in dict.fromkeys(value)]


def _number(value: Any, options: list[str]) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e12:
        raise ValueError("Not a valid number.")
    return value


def _yes_no(value: Any, options: list[str]) -> bool:
    if not isinstance(value, bool):
        raise ValueError("Must be one of: true, false.")  # noqa: TRY004 - a caller's mistake, like the others
    return value


def _date(value: Any, options: list[str]) -> str:
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise ValueError("Not a date: write it as YYYY-MM-DD.")


_CHECKS: Mapping[str, Callable[[Any, list[str]], Any]] = {
    "text": _text,
    "choice": _choice,
    "choices": _choices,
    "number": _number,
    "yes_no": _yes_no,
    "date": _date,
}

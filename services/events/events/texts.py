"""The texts of an event, and the languages in which some of them are missing. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

# A page without them has nothing to show; other texts are missed only where the event has them at all.
SHOWN = ("title", "description", "venue")


def missing_texts(event: Mapping[str, Any]) -> list[dict[str, str]]:
    """For each text the languages that other texts of the event have, and this one lacks."""
    texts = list(_texts(event))
    languages = sorted({language for _, text in texts for language in text})
    return [
        {"field": path, "language": language}
        for path, text in texts
        for language in languages
        if not text.get(language)
    ]


def _texts(event: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str]]]:
    for name in SHOWN:
        if event.get(name):
            yield name, event[name]
    for name in ("agenda", "materials"):
        for number, item in enumerate(event.get(name) or []):
            yield f"{name}.{number}.title", item["title"]
    for number, question in enumerate(event.get("questions") or []):
        yield f"questions.{number}.label", question["label"]
        for place, option in enumerate(question.get("options") or []):
            yield f"questions.{number}.options.{place}.label", option["label"]

"""The words of pages: a TOML file for each language, such as `words/fi.toml` in the folder that uses them."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.schemas import LANGUAGES

SENTENCES = "sentences."


class Words:
    """The words of one or several folders; a later folder adds to the earlier ones.

    Keys are paths such as `form.send`. `get` raises KeyError for an unknown key.
    """

    def __init__(self, *folders: Path) -> None:
        self._words: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
        for folder in folders:
            for language in LANGUAGES:
                self._words[language] |= _flat(tomllib.loads((folder / f"{language}.toml").read_text("utf-8")))

    def keys(self, language: str) -> set[str]:
        """All keys of a language."""
        return set(self._words[language])

    def get(self, language: str, key: str, /, **values: object) -> str:
        """The words of `key`, with `{name}` filled in."""
        text = self._words[language][key]
        return text.format(**values) if values else text

    def find(self, language: str, key: str) -> str | None:
        """The words of `key`; None where there are none."""
        return self._words[language].get(key)

    def sentence(self, language: str, english: str) -> str:
        """A sentence of the HTTP interface (an error, say) in another language, found by its beginning.

        A sentence without a translation becomes "Check this field".
        """
        for key, text in self._words[language].items():
            if key.startswith(SENTENCES) and english.startswith(key.removeprefix(SENTENCES)):
                return text
        return english if language == "en" else self._words[language]["form.check"]


def _flat(table: Mapping[str, Any], path: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in table.items():
        flat |= _flat(value, f"{path}{key}.") if isinstance(value, Mapping) else {f"{path}{key}": value}
    return flat

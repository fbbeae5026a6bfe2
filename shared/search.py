"""Search as people type: any word of a name, without diacritics, with one wrong letter; a phone number in any form.

Words go into one indexed array. Beside each word stand its folded form, the halves of a double name, the word
without its punctuation and, after a `~`, its spellings with one letter left out (SymSpell's deletion
neighbourhood): a query whose own deletions meet one of them is one letter off.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# A query of more words is no name. Each word costs an index scan.
MAX_WORDS = 8
# Shorter words have too many neighbours: with one wrong letter, "Aho" would also find "Aro" and "Ahola".
FUZZY_FROM = 4
FUZZY_UP_TO = 24
# A document with more words (a long title, say) is found by its first ones.
MAX_KEPT = 400

_CHUNKS = re.compile(r"[\s,;:/|()\[\]\"“”«»]+")
_PUNCTUATION = re.compile(r"[^\w]+|_")
_PHONE = re.compile(r"\+?[\d\s()./-]{5,}")
# Letters without a decomposition, and how people without them on the keyboard write them.
_FOLDS = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})


def search_words(*texts: str | None) -> list[str]:
    """The words that find a document; keep them in an indexed field."""
    found: dict[str, None] = {}
    for text in texts:
        for chunk in _chunks(text):
            for word in _forms(chunk):
                found.setdefault(word)
                found.setdefault(fold(word))
    for word in list(found):
        found.update(dict.fromkeys(_neighbours(word)))
    return list(found)[:MAX_KEPT]


def search_query(q: str | None, field: str = "search") -> Mapping[str, Any]:
    """Documents that have a word for each word of `q`; all without `q`, none when `q` has no word."""
    if not q or not q.strip():
        return {}
    words = list(query_words(q))
    if not words:
        return {field: {"$in": []}}
    return {"$and": [{"$or": [{field: condition} for condition in _conditions(word)]} for word in words]}


def closest_first(q: str | None, field: str = "search") -> list[Mapping[str, Any]]:
    """The documents of `search_query` in two parts: those with words that begin as `q` is written, then the others."""
    found = search_query(q, field)
    words = list(query_words(q or ""))
    if not words:
        return [found]
    as_written = {"$and": [{field: {"$regex": f"^{re.escape(word)}"}} for word in words]}
    return [as_written, {"$and": [found, {"$nor": [as_written]}]}]


def query_words(q: str) -> Iterator[str]:
    """The words of a query: chunks of letters and digits; a phone number is one word."""
    if _PHONE.fullmatch(q.strip()):
        yield re.sub(r"\s", "", q)
        return
    chunks = [chunk for chunk in _chunks(q) if fold(_PUNCTUATION.sub("", chunk))]
    yield from chunks[:MAX_WORDS]


def matches(words: Iterable[str], q: str) -> bool:
    """Whether `q` finds a document with these `search_words`."""
    kept, looked_for = set(words), list(query_words(q))
    # `all` of no words is true, but a query without a word finds nothing, as in `search_query`.
    return bool(looked_for) and all(
        any(
            bool(set(condition["$in"]) & kept)
            if "$in" in condition
            else any(re.match(condition["$regex"], word) for word in kept)
            for condition in _conditions(word)
        )
        for word in looked_for
    )


def phone_words(number: str | None) -> list[str]:
    """The words that find a phone number (E.164): with and without the country's code."""
    digits = re.sub(r"\D", "", (number or "").partition(";")[0])
    return [digits] if digits else []


def phone_digits(number: str) -> str:
    """The digits of E.164 for a number as people write it: `+358…`, `00358…` and, from Finland, `040…`."""
    digits = re.sub(r"\D", "", number)
    if number.startswith("+"):
        return digits
    if digits.startswith("00"):
        return digits[2:]
    return f"358{digits[1:]}" if digits.startswith("0") else digits


def fold(word: str) -> str:
    """The word in lower case and without diacritics: `meriläinen` → `merilainen`."""
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).translate(_FOLDS)


def _conditions(word: str) -> list[dict[str, Any]]:
    folded, joined = fold(word), fold(_PUNCTUATION.sub("", word))
    beginnings = dict.fromkeys((word, folded, joined, phone_digits(word) if _PHONE.fullmatch(word) else ""))
    conditions: list[dict[str, Any]] = [{"$regex": f"^{re.escape(beginning)}"} for beginning in beginnings if beginning]
    neighbours = _neighbours(joined)
    return [*conditions, {"$in": neighbours}] if neighbours else conditions


def _chunks(text: str | None) -> Iterator[str]:
    for chunk in _CHUNKS.split(unicodedata.normalize("NFC", text or "").casefold()):
        if stripped := chunk.strip(".,;:!?'’*%"):
            yield stripped


def _forms(chunk: str) -> Iterator[str]:
    """The chunk, its parts (`ann`, `christin`) and the chunk without punctuation (`obrien`, `15728600`)."""
    yield chunk
    parts = [part for part in _PUNCTUATION.split(chunk) if part]
    if len(parts) > 1:
        yield from parts
        yield "".join(parts)


def _neighbours(word: str) -> list[str]:
    if not FUZZY_FROM <= len(word) <= FUZZY_UP_TO or not word.isalpha() or not word.isascii():
        return []
    return [f"~{word}", *dict.fromkeys(f"~{word[:i]}{word[i + 1 :]}" for i in range(len(word)))]

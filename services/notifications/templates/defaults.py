"""The packaged texts, and the choice of a language for a text."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

FALL_BACK = ("fi", "sv", "en")
SUBJECT = "Subject: "


@cache
def default_templates() -> dict[tuple[str, str], tuple[str, str]]:
    """(key, language) → (subject, body): the packaged files `texts/<language>/<key>.md`, read once.

    A file's first line is `Subject: …`, the second is empty, the rest is the body. Raises ValueError
    for a file in another form.
    """
    found = {}
    for folder in files(__package__).joinpath("texts").iterdir():
        if not folder.is_dir():
            continue
        for file in folder.iterdir():
            if file.name.endswith(".md"):
                found[file.name.removesuffix(".md"), folder.name] = _split(file.read_text("utf-8"), file.name)
    return found


def in_language(texts: Mapping[str, str] | str | None, language: str) -> str:
    """The text in `language`, else in the first of fi, sv and en that it has, else in any language; else "".

    A plain string is a text for all languages, and is returned as it is.
    """
    if not texts:
        return ""
    if isinstance(texts, str):
        return texts
    wanted = (language, *FALL_BACK, *texts)
    return next((texts[choice] for choice in wanted if texts.get(choice)), "")


def _split(text: str, name: str) -> tuple[str, str]:
    first, _, rest = text.partition("\n")
    if not first.startswith(SUBJECT) or not rest.startswith("\n"):
        raise ValueError(f"{name} must begin with a line 'Subject: …' and an empty line.")
    return first.removeprefix(SUBJECT).strip(), rest.strip() + "\n"

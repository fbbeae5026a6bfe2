"""Tags: words by which staff group organisations and contacts."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from shared.schemas import Line

MOST_TAGS = 50


def tags_field() -> fields.List[Any]:
    """A list of tags, each once; lower and upper case are the same tag, kept as it is first written."""
    return fields.List(
        Line(max_length=60), load_default=list, dump_default=list, validate=[validate.Length(max=MOST_TAGS), each_once]
    )


def each_once(tags: list[str]) -> None:
    """Raises ValidationError when a tag stands there twice."""
    if len({tag.casefold() for tag in tags}) != len(tags):
        raise ValidationError("Give each tag once.")

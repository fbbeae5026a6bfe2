"""The cursor of the list of likely duplicates: the place of the last pair."""

import base64
import json

from shared.mongo.paging import wrong_cursor

Place = tuple[float, str, str]


def write_cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def read_cursor(cursor: str | None) -> Place | None:
    """The place; None for the first page. Raises Invalid for a cursor that the list has not given."""
    if not cursor:
        return None
    try:
        score, first, second = json.loads(base64.urlsafe_b64decode(cursor))
        return float(score), str(first), str(second)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise wrong_cursor() from error

"""The refusals of a request. HTTP turns each into problem details (RFC 9457)."""

from collections.abc import Mapping, Sequence
from typing import Any


class Problem(Exception):
    """A request that cannot be carried out, and why. Nothing was changed.

    `detail` is a sentence for the person who made the request; `members` are further fields of the
    answer's body; `retry_after` is in seconds.
    """

    status = 400
    title = "Bad Request"

    def __init__(self, detail: str, *, retry_after: int | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        self.members = members


class Unauthorized(Problem):
    status, title = 401, "Unauthorized"


class Forbidden(Problem):
    status, title = 403, "Forbidden"


class NotFound(Problem):
    status, title = 404, "Not Found"

    def __init__(self, what: str, identifier: str) -> None:
        super().__init__(f"There is no {what} with the id {identifier}.")


class Gone(Problem):
    """The resource or the link was here, and has ended."""

    status, title = 410, "Gone"


class Conflict(Problem):
    """The present state does not allow the change, or such a resource exists already (`existing_id`)."""

    status, title = 409, "Conflict"


class Stale(Problem):
    """`If-Match` does not name the present version."""

    status, title = 412, "Precondition Failed"


class PreconditionRequired(Problem):
    status, title = 428, "Precondition Required"


class Invalid(Problem):
    """The fields in `errors` (path → sentences) must be put right first."""

    status, title = 422, "Unprocessable Content"

    def __init__(self, errors: Mapping[str, Sequence[str]], *, retry_after: int | None = None) -> None:
        super().__init__("Some fields are wrong; see `errors`.", retry_after=retry_after)
        self.errors = {path: list(messages) for path, messages in errors.items()}


class NotArrivedYet(Invalid):
    """A field refers to a resource of another service that has not arrived here.

    It usually arrives within a second, so the answer carries `Retry-After: 1`.
    """

    def __init__(self, field: str, what: str) -> None:
        super().__init__(
            {field: [f"No such {what} is known here. If it was just made, try again in a second."]},
            retry_after=1,
        )


class TooManyRequests(Problem):
    status, title = 429, "Too Many Requests"


class Unavailable(Problem):
    status, title = 503, "Service Unavailable"

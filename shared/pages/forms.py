"""Views that answer with a page, and forms that browsers send to the addresses that programs send JSON to."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from shared.pages.negotiation import wants_html

View = TypeVar("View", bound=Callable[..., Any])


def page(make: Callable[..., Any]) -> Callable[[View], View]:
    """A view that answers with `make(result, **view_args)` when the caller wants HTML, else with its result.

    Put it below the decorators that check the input and shape the answer.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answered(*args: Any, **view_args: Any) -> Any:
            result = view(*args, **view_args)
            return make(result, **view_args) if wants_html() else result

        return answered  # type: ignore[return-value]

    return decorate


def form(again: Callable[..., Any]) -> Callable[[View], View]:
    """Marks a POST view that takes forms too.

    `again(problem, **view_args)` is the page with the form once more, after 409 and 422.
    """

    def mark(view: View) -> View:
        view.takes_forms = True  # type: ignore[attr-defined]
        view.form_again = again  # type: ignore[attr-defined]
        return view

    return mark

"""Registers several people at once, for staff or an assistant: all or none, or as many as there are seats."""

from collections.abc import Sequence

from services.events.registrations.admission import Request, admit
from services.events.registrations.domain import NotAllFit
from shared.errors import Problem
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork


def register_batch(uow: UnitOfWork, event_id: str, requests: Sequence[Request], *, all_or_none: bool) -> Document:
    """Registers the people of a batch who get a seat. None of them joins the line.

    Returns `registered` and `refused` (the index in the batch, and why). Raises NotFound, and with `all_or_none`
    NotAllFit, which names the refused people, when there are any.
    """
    for request in requests:
        request.cause = uow.cause
    answers = admit(uow, event_id, requests)
    refused = [
        {"index": index, "reason": answer.detail} for index, answer in enumerate(answers) if isinstance(answer, Problem)
    ]
    if refused and all_or_none:
        raise NotAllFit("Nobody was registered, since not everybody can be: see `refused`.", refused=refused)
    return {"registered": [answer for answer in answers if not isinstance(answer, Problem)], "refused": refused}

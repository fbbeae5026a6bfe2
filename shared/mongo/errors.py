"""Kinds of MongoDB failures, told apart in one place: outages, conflicts of writers, our own mistakes."""

from pymongo.errors import BulkWriteError, ConnectionFailure, PyMongoError

from shared.errors import Conflict, Problem, Unavailable

WRITE_CONFLICT = 112
DUPLICATE_KEY = 11000
NAMESPACE_EXISTS = 48
QUERY_PLAN_KILLED = 175
# The member is not the primary any more, or not yet: the driver finds the new primary.
NOT_PRIMARY = frozenset({91, 189, 10107, 11600, 11602, 13435, 13436})


# The server ended the transaction: a time limit (50), its age (290), the server no longer knows it (251), or the
# cache is too small for it (388). A smaller or a later transaction may succeed.
ENDED = frozenset({50, 251, 290, 388})


class WriteRace(PyMongoError):
    """Another transaction changed a document after it was read here: the work runs again."""

    def __init__(self, collection: str) -> None:
        super().__init__(f"a document in {collection} was changed meanwhile", ["TransientTransactionError"])


def is_outage(error: BaseException) -> bool:
    """Whether MongoDB is away or elects a primary: waiting helps, and the request is not to blame."""
    if isinstance(error, ConnectionFailure):
        return True
    return isinstance(error, PyMongoError) and (
        error.timeout
        or error.has_error_label("RetryableWriteError")
        or error.has_error_label("TransientTransactionError")
        or error.has_error_label("UnknownTransactionCommitResult")
        or bool(codes_of(error) & (NOT_PRIMARY | ENDED))
    )


def codes_of(error: BaseException) -> frozenset[int]:
    """MongoDB's codes of the failure. A bulk write has those of its first failed write and of its write concern."""
    details = (error.details or {}) if isinstance(error, BulkWriteError) else {}
    failures = [*(details.get("writeErrors") or [])[:1], *(details.get("writeConcernErrors") or [])]
    codes = {failure.get("code") for failure in failures} if details else {getattr(error, "code", None)}
    return frozenset(code for code in codes if isinstance(code, int))


def is_transient(error: BaseException) -> bool:
    """Whether waiting helps: MongoDB is away, or there are too many writers at once."""
    return (
        isinstance(error, Unavailable | WriteRace)
        or is_outage(error)
        or (isinstance(error, Conflict) and error.retry_after is not None)
    )


def refusal(error: PyMongoError) -> Problem | PyMongoError:
    """The refusal for a failure of the database; the error itself when the mistake is ours."""
    is_lost = isinstance(error, ConnectionFailure) or isinstance(error.__cause__, ConnectionFailure)
    codes = codes_of(error)
    if WRITE_CONFLICT in codes or (error.has_error_label("TransientTransactionError") and not is_lost):
        return Conflict("Too many changes to the same thing at once. Repeat your request.", retry_after=1)
    if QUERY_PLAN_KILLED in codes:
        return Unavailable(
            "The collection that you read was replaced at this moment. Repeat your request.", retry_after=1
        )
    if is_outage(error):
        return Unavailable("The database cannot be reached at the moment. Repeat your request.", retry_after=2)
    return error

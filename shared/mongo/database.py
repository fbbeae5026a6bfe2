"""A service's own MongoDB database: its indexes, and the one way to change anything in it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pymongo
from pymongo import DeleteOne, IndexModel, InsertOne, MongoClient, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, ConnectionFailure, DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from shared.cause import Cause
from shared.errors import Conflict, Invalid, Problem, Unavailable
from shared.ids import utc_now
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.unit_of_work import HISTORY, OUTBOX, UnitOfWork

T = TypeVar("T")

IDEMPOTENCY_KEYS = "idempotency_keys"
SEEN = "seen_messages"
OFFSETS = "consumer_offsets"
LEASES = "leases"
DEAD_LETTERS = "dead_letters"

OUTBOX_KEPT = timedelta(days=7)
SEEN_KEPT = timedelta(days=90)
IDEMPOTENCY_KEY_TTL = timedelta(hours=24)
TRANSACTION_LIMIT_SECONDS = 10.0

INFRASTRUCTURE_INDEXES: Mapping[str, Sequence[IndexModel]] = {
    OUTBOX: [IndexModel("at", name="ttl", expireAfterSeconds=int(OUTBOX_KEPT.total_seconds()))],
    HISTORY: [IndexModel([("of", 1), ("_id", -1)], name="of")],
    IDEMPOTENCY_KEYS: [IndexModel("expires_at", name="ttl", expireAfterSeconds=0)],
    SEEN: [IndexModel("at", name="ttl", expireAfterSeconds=int(SEEN_KEPT.total_seconds()))],
    DEAD_LETTERS: [IndexModel([("state", 1), ("_id", 1)], name="state")],
}


@dataclass(kw_only=True)
class IdempotencyKey:
    """A caller's Idempotency-Key: `id` names caller and key, `fingerprint` the request's content."""

    id: str
    fingerprint: str
    replayed: bool = False


class Database:
    """Transactions with majority write concern, retried on conflicts for at most ten seconds."""

    def __init__(self, client: MongoClient[Document], name: str) -> None:
        self.client = client
        self.raw = client.get_database(name, write_concern=WriteConcern("majority"))
        self._aggregates: dict[str, Aggregate] = {}

    def __getitem__(self, collection: str) -> pymongo.collection.Collection[Document]:
        return self.raw[collection]

    def prepare(
        self, aggregates: Iterable[Aggregate] = (), indexes: Mapping[str, Sequence[IndexModel]] | None = None
    ) -> None:
        """Makes sure that every collection and index exists. Harmless when they do."""
        wanted: dict[str, Sequence[IndexModel]] = {**INFRASTRUCTURE_INDEXES, OFFSETS: [], LEASES: []}
        for aggregate in aggregates:
            self._aggregates[aggregate.collection] = aggregate
            wanted[aggregate.collection] = aggregate.indexes
        wanted.update(indexes or {})
        present = set(self.raw.list_collection_names())
        for collection, models in wanted.items():
            if collection not in present:
                try:
                    self.raw.create_collection(collection)
                except (pymongo.errors.CollectionInvalid, pymongo.errors.OperationFailure) as error:
                    if getattr(error, "code", None) not in (None, NAMESPACE_EXISTS):
                        raise
                    present.add(collection)  # another process was quicker
            if models:
                self.raw[collection].create_indexes(list(models))

    def ping(self) -> None:
        """Raises when the primary does not answer within two seconds."""
        with pymongo.timeout(2):
            self.client.admin.command("ping", read_preference=ReadPreference.PRIMARY)

    def transact(self, work: Callable[[UnitOfWork], T], *, cause: Cause, once: IdempotencyKey | None = None) -> T:
        """Runs `work` in one transaction and commits it; again from the start on a write conflict.

        With `once`, a key that was used before gives the first answer again without running `work`
        (`once.replayed` tells). Raises Conflict when the first request with that key still runs, when a
        unique index is violated (`existing_id`) or when there were too many conflicts; Invalid when the
        key was used for another request; Unavailable when MongoDB cannot be reached.
        """
        now = utc_now()

        def run(session: ClientSession) -> T:
            if once:
                self._claim(session, once, now)
            uow = UnitOfWork(self.raw, session, cause=cause, now=now)
            result = work(uow)
            if once:
                uow.write(IDEMPOTENCY_KEYS, UpdateOne({"_id": once.id}, {"$set": {"result": result}}))
            uow.flush()
            return result

        try:
            with pymongo.timeout(TRANSACTION_LIMIT_SECONDS), self.client.start_session() as session:
                return session.with_transaction(
                    run, read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority")
                )
        except _AlreadyUsed:
            assert once is not None
            replayed: T = self._replay(once)
            return replayed
        except (DuplicateKeyError, BulkWriteError) as error:
            raise self._duplicate(error) from error
        except PyMongoError as error:
            raise refusal(error) from error

    def transact_all(
        self,
        work: Callable[[UnitOfWork], Sequence[T | Problem]],
        *,
        cause: Cause,
        onces: Sequence[IdempotencyKey | None],
    ) -> list[T | Problem]:
        """Runs `work` for several requests in one transaction; it gives each one's result or refusal, in order.

        `onces` are the requests' keys; that of a refused one stays unused. Raises as `transact` does, and
        Conflict when a key was used before: then nothing was done, and each is to be done by itself.
        """

        def run(uow: UnitOfWork) -> list[T | Problem]:
            for once in onces:
                if once:
                    self._claim(uow.session, once, uow.now)
            results = list(work(uow))
            for once, result in zip(onces, results, strict=True):
                if once:
                    key = {"_id": once.id}
                    refused = isinstance(result, Problem)
                    uow.write(
                        IDEMPOTENCY_KEYS, DeleteOne(key) if refused else UpdateOne(key, {"$set": {"result": result}})
                    )
            return results

        try:
            return self.transact(run, cause=cause)
        except _AlreadyUsed as error:
            raise Conflict("One of these requests was made before.") from error

    def _claim(self, session: ClientSession, once: IdempotencyKey, now: datetime) -> None:
        row = {"_id": once.id, "fingerprint": once.fingerprint, "result": None, "expires_at": now + IDEMPOTENCY_KEY_TTL}
        try:
            self.raw[IDEMPOTENCY_KEYS].insert_one(row, session=session)
        except DuplicateKeyError as error:
            raise _AlreadyUsed from error
        except PyMongoError as error:
            if getattr(error, "code", None) == WRITE_CONFLICT:
                raise Conflict(
                    "The first request with this Idempotency-Key is still running. Repeat yours in a moment.",
                    retry_after=1,
                ) from error
            raise

    def _replay(self, once: IdempotencyKey) -> Any:
        row = self.raw[IDEMPOTENCY_KEYS].find_one({"_id": once.id})
        if row is None:
            raise Conflict("This Idempotency-Key has just expired. Repeat the request.", retry_after=1)
        if row["fingerprint"] != once.fingerprint:
            raise Invalid(
                {"Idempotency-Key": ["This key was used for another request. Make a new key for each new request."]}
            )
        once.replayed = True
        return row["result"]

    def _duplicate(self, error: DuplicateKeyError | BulkWriteError) -> Problem:
        details: Mapping[str, Any] = error.details or {}
        if isinstance(error, BulkWriteError):
            details = (details.get("writeErrors") or [{}])[0]
        if details.get("code") != DUPLICATE_KEY:
            raise error
        message = str(details.get("errmsg", ""))
        collection = message.partition(" collection: ")[2].split(" ")[0].partition(".")[2]
        index = message.partition(" index: ")[2].split(" ")[0]
        values: Mapping[str, Any] = details.get("keyValue") or {}
        existing = self.raw[collection].find_one(values, {"_id": 1}) if values else None
        aggregate = self._aggregates.get(collection)
        name = aggregate.name if aggregate else collection
        default = f"There is one already: another {name} has the same {' and '.join(values) or index}."
        sentence = aggregate.conflict_messages.get(index, default) if aggregate else default
        return Conflict(sentence, **({"existing_id": existing["_id"]} if existing else {}))


class _AlreadyUsed(Exception):
    pass


WRITE_CONFLICT = 112
DUPLICATE_KEY = 11000
NAMESPACE_EXISTS = 48
QUERY_PLAN_KILLED = 175


def connect(uri: str, name: str, *, process: str = "uso") -> Database:
    """The database `name` at `uri`. Nothing is sent before its first use."""
    client: MongoClient[Document] = MongoClient(
        uri,
        appname=process,
        tz_aware=True,
        serverSelectionTimeoutMS=5000,
        connectTimeoutMS=3000,
        retryWrites=True,
        maxPoolSize=100,
    )
    return Database(client, name)


def is_outage(error: BaseException) -> bool:
    """Whether MongoDB is away or changing its primary: waiting helps, and nobody's request is to blame."""
    if isinstance(error, ConnectionFailure):
        return True
    return isinstance(error, PyMongoError) and (
        error.timeout
        or error.has_error_label("RetryableWriteError")
        or error.has_error_label("TransientTransactionError")
        or error.has_error_label("UnknownTransactionCommitResult")
        or getattr(error, "code", None) in NOT_PRIMARY
    )


NOT_PRIMARY = frozenset({91, 189, 10107, 11600, 11602, 13435, 13436})


def refusal(error: PyMongoError) -> Problem | PyMongoError:
    """What the caller is told of a failure of the database; the error itself when it is our mistake."""
    is_lost = isinstance(error, ConnectionFailure) or isinstance(error.__cause__, ConnectionFailure)
    if getattr(error, "code", None) == WRITE_CONFLICT or (
        error.has_error_label("TransientTransactionError") and not is_lost
    ):
        return Conflict("Too many changes to the same thing at once. Repeat your request.", retry_after=1)
    if getattr(error, "code", None) == QUERY_PLAN_KILLED:
        return Unavailable(
            "What you read was exchanged for a new copy at this moment. Repeat your request.", retry_after=1
        )
    if is_outage(error):
        return Unavailable("The database cannot be reached at the moment. Repeat your request.", retry_after=2)
    return error


__all__ = ["Database", "IdempotencyKey", "InsertOne", "connect", "is_outage", "refusal"]

"""A service's own MongoDB database: its indexes, and the transactions that are the only way to change it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import pymongo
from pymongo import IndexModel, InsertOne, MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from shared.cause import Cause
from shared.errors import Conflict, Problem
from shared.ids import utc_now
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.errors import DUPLICATE_KEY, NAMESPACE_EXISTS, codes_of, refusal
from shared.mongo.idempotency import (
    IdempotencyKey,
    KeyInUse,
    find_outcome,
    is_final,
    refusal_of,
    remember_refusal,
    replay,
)
from shared.mongo.journal import JOURNAL, JOURNAL_INDEXES
from shared.mongo.rate_limits import RATE_LIMITS, RATE_LIMITS_INDEXES
from shared.mongo.unit_of_work import IfMatch, UnitOfWork

T = TypeVar("T")

SEEN = "seen_messages"
OFFSETS = "consumer_offsets"
LEASES = "leases"
DEAD_LETTERS = "dead_letters"
DEAD_LETTER_COUNTS = "dead_letter_counts"

# Longer than an operator waits before redriving a dead letter: it must not have its effect twice.
SEEN_KEPT = timedelta(days=90)
# The topic of dead letters keeps them as long. They may hold personal data, which only this deletion erases.
DEAD_LETTERS_KEPT = timedelta(days=30)
# A caller waits no longer than this for an answer; MongoDB's own limit for a transaction is a minute.
TRANSACTION_LIMIT_SECONDS = 10.0

# For `?sort=updated_at` and `?updated_since=`, which every list of aggregates takes.
BY_UPDATE = IndexModel([("updated_at", 1), ("_id", 1)], name="updated_at")

INFRASTRUCTURE_INDEXES: Mapping[str, Sequence[IndexModel]] = {
    JOURNAL: JOURNAL_INDEXES,
    SEEN: [IndexModel("at", name="ttl", expireAfterSeconds=int(SEEN_KEPT.total_seconds()))],
    RATE_LIMITS: RATE_LIMITS_INDEXES,
    DEAD_LETTERS: [
        IndexModel([("state", 1), ("_id", 1)], name="state"),
        IndexModel("expires_at", name="ttl", expireAfterSeconds=0),
    ],
}


class Database:
    """Transactions with majority write concern, retried on conflicts for at most ten seconds."""

    def __init__(self, client: MongoClient[Document], name: str) -> None:
        self.client = client
        self.raw = client.get_database(name, write_concern=WriteConcern("majority"))
        self._aggregates: dict[str, Aggregate[Any]] = {}

    def __getitem__(self, collection: str) -> pymongo.collection.Collection[Document]:
        return self.raw[collection]

    @property
    def aggregates(self) -> Iterable[Aggregate[Any]]:
        """The aggregates that `prepare` was given."""
        return self._aggregates.values()

    def prepare(
        self, aggregates: Iterable[Aggregate[Any]] = (), indexes: Mapping[str, Sequence[IndexModel]] | None = None
    ) -> None:
        """Creates the collections and indexes that do not exist."""
        wanted: dict[str, Sequence[IndexModel]] = {
            **INFRASTRUCTURE_INDEXES,
            OFFSETS: [],
            LEASES: [],
            DEAD_LETTER_COUNTS: [],
        }
        for aggregate in aggregates:
            self._aggregates[aggregate.collection] = aggregate
            wanted[aggregate.collection] = [*aggregate.indexes, BY_UPDATE]
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

    def find(self, collection: str, query: Mapping[str, Any], **options: Any) -> list[Document]:
        """All documents that fit, outside of a transaction."""
        return list(self[collection].find(query, **options))

    def ping(self) -> None:
        """Raises PyMongoError when the primary does not answer within two seconds."""
        with pymongo.timeout(2):
            self.client.admin.command("ping", read_preference=ReadPreference.PRIMARY)

    def takes_writes(self) -> bool:
        """Whether a majority of MongoDB's members takes a small write within five seconds."""
        try:
            with pymongo.timeout(5):
                self[LEASES].update_one({"_id": "probe"}, {"$currentDate": {"at": True}}, upsert=True)
        except PyMongoError:
            return False
        return True

    def transact(
        self,
        work: Callable[[UnitOfWork], T],
        *,
        cause: Cause,
        key: IdempotencyKey | None = None,
        if_match: IfMatch | None = None,
    ) -> T:
        """Runs `work` in one transaction and commits it. After a write conflict it runs again from the start.

        With a `key` that was used before, it returns the first result again (and sets `key.replayed`), or raises
        the first refusal again. Raises Conflict while the first request with the key still runs, when a unique index is
        violated (`existing_id`) or when there were too many conflicts; Invalid when the key was used for another
        request; Unavailable when MongoDB cannot be reached.
        """
        now = utc_now()

        def run(session: ClientSession) -> T:
            uow = UnitOfWork(self.raw, session, cause=cause, now=now, if_match=if_match)
            result = work(uow)
            if key:
                uow.write(JOURNAL, InsertOne(key.row(now, result=result)))
            uow.flush()
            return result

        try:
            return self._commit(run)
        except KeyInUse:
            if key is None:
                raise
            replayed: T = replay(self.raw, key)
            return replayed
        except Problem as problem:
            if key is None:
                raise
            # A repeated request is often refused because of its own first effect: the first answer goes first.
            try:
                if find_outcome(self.raw, key) is None:
                    if is_final(problem):
                        remember_refusal(self.raw, key, problem, now)
                    raise
            except KeyInUse:
                pass
            except PyMongoError as error:
                raise refusal(error) from error
            first: T = replay(self.raw, key)
            return first

    def transact_all(
        self,
        work: Callable[[UnitOfWork], Sequence[T | Problem]],
        *,
        cause: Cause,
        keys: Sequence[IdempotencyKey | None],
    ) -> list[T | Problem]:
        """Runs `work` for several requests in one transaction. Returns each request's result or refusal, in order.

        `keys` are the requests' Idempotency-Keys; each keeps its result or its final refusal. Raises as `transact`
        does, and Conflict when a key was used before: then nothing was done, and each request must run by itself.
        """

        def run(uow: UnitOfWork) -> list[T | Problem]:
            results = list(work(uow))
            for key, result in zip(keys, results, strict=True):
                if key and not isinstance(result, Problem):
                    uow.write(JOURNAL, InsertOne(key.row(uow.now, result=result)))
                elif key and isinstance(result, Problem) and is_final(result):
                    uow.write(JOURNAL, InsertOne(key.row(uow.now, refusal=refusal_of(result))))
            return results

        try:
            return self.transact(run, cause=cause)
        except KeyInUse as error:
            raise Conflict("One of these requests was made before.") from error

    def _commit(self, run: Callable[[ClientSession], T]) -> T:
        try:
            with pymongo.timeout(TRANSACTION_LIMIT_SECONDS), self.client.start_session() as session:
                return session.with_transaction(
                    run, read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority")
                )
        except PyMongoError as error:
            if DUPLICATE_KEY in codes_of(error):
                raise self._duplicate(error) from error
            raise refusal(error) from error

    def _duplicate(self, error: PyMongoError) -> Problem:
        details: Mapping[str, Any] = getattr(error, "details", None) or {}
        if isinstance(error, BulkWriteError):
            details = (details.get("writeErrors") or [{}])[0]
        message = str(details.get("errmsg", ""))
        collection = message.partition(" collection: ")[2].split(" ")[0].partition(".")[2]
        index = message.partition(" index: ")[2].split(" ")[0]
        values: Mapping[str, Any] = details.get("keyValue") or {}
        aggregate = self._aggregates.get(collection)
        name = aggregate.name if aggregate else collection
        default = f"There is one already: another {name} has the same {' and '.join(values) or index}."
        sentence = aggregate.conflict_messages.get(index, default) if aggregate else default
        if not values:
            return Conflict(sentence)
        # Only a document that a majority has may be named: the primary alone could still lose its write.
        majority = self.raw.get_collection(collection, read_concern=ReadConcern("majority"))
        existing = majority.find_one(values, {"_id": 1})
        if existing is None:
            return Conflict(
                f"Another {name} with the same {' and '.join(values)} is being saved at this moment. Try again.",
                retry_after=1,
            )
        return Conflict(sentence, existing_id=existing["_id"])


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

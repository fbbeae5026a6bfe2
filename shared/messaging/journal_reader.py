"""Reads the journal's rows in the order of their commits, from a resume token on.

A change stream gives them in that order. Without a token, or with a token that the oplog no longer reaches, all rows
are read first as of one instant, and the stream begins at that instant.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bson import Timestamp
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure, PyMongoError

from shared.cloudevents import RECORD_LIMIT_BYTES
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.journal import JOURNAL, SLOTS, slot_of
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

# More rows in one Kafka transaction are hardly faster, and a failed transaction is sent again as a whole.
MAX_ROWS = 2000
# kafka-python's producer buffers without bound: this bounds the memory of one transaction.
MAX_BYTES = 8_000_000
HISTORY_LOST = 286
# SnapshotTooOld and SnapshotUnavailable: by default MongoDB keeps snapshots for five minutes.
SNAPSHOT_LOST = frozenset({239, 246})


@dataclass(frozen=True)
class Batch:
    """Rows in commit order, and the resume token behind the last of them.

    With `progress` the token is worth keeping even without rows.
    """

    rows: Sequence[Document]
    token: Document
    progress: bool = False


@dataclass(frozen=True)
class Scanned:
    """The slots from `first` up to and without `end` were read as of the cluster time `at`."""

    first: int
    end: int
    at: Timestamp

    def document(self) -> list[Any]:
        return [self.first, self.end, self.at]


class JournalReader:
    """Reads one service's journal for its relay. Not for several threads."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def batches(self, token: Document | None, keep_on: Callable[[], bool]) -> Iterator[Batch]:
        """Batches behind `token` until `keep_on()` is false, empty ones at least twice a second."""
        if token and "token" in token:
            try:
                yield from self._follow({"resumeAfter": token["token"]}, _scanned(token), keep_on)
            except OperationFailure as error:
                if not _is_history_lost(error):
                    raise
            else:
                return
            log.warning("the oplog no longer reaches back to the resume token: reading the whole journal")
            token = None
        done = _scanned(token)
        if done and _missing(done):
            log.info("going on with the journal where the last relay was", slots=_missing(done))
        while True:
            yield from self._scan(done)
            earliest = min(part.at for part in done)
            start = {"startAtOperationTime": Timestamp(earliest.time, earliest.inc + 1)}
            try:
                yield from self._follow(start, done, keep_on)
            except OperationFailure as error:
                if not _is_history_lost(error):
                    raise
                log.warning(
                    "the oplog no longer reaches back to the start of the scan: reading the whole journal again"
                )
                done = []
            else:
                return

    def _follow(self, start: Document, scanned: Sequence[Scanned], keep_on: Callable[[], bool]) -> Iterator[Batch]:
        """The rows of the change stream. A batch has the rows that arrived while the last batch was committed.

        It skips rows that a scan has read already: parts of the journal may have been read at different times.
        """
        pipeline = [
            {"$changeStream": start},
            {"$match": {"operationType": "insert", "fullDocument.topic": {"$type": "string"}}},
            {"$project": {"_id": 1, "fullDocument": 1, "clusterTime": 1}},
        ]
        # Raw commands instead of watch(): only they give a whole batch at once with the token behind it. watch() gives
        # row by row, and one Kafka transaction for each row would be far slower.
        with self.db.client.start_session() as session:
            command = {"aggregate": JOURNAL, "pipeline": pipeline, "cursor": {"batchSize": MAX_ROWS}}
            reply = self._command(session, command)
            changes = reply["cursor"]["firstBatch"]
            try:
                while keep_on():
                    token: Document = {"token": reply["cursor"]["postBatchResumeToken"]}
                    extra = {"scanned": [part.document() for part in scanned]} if scanned else {}
                    fresh = [change for change in changes if not _was_scanned(change, scanned)] if scanned else changes
                    yield from _portions(fresh, {**token, **extra}, extra)
                    if scanned and changes and changes[-1]["clusterTime"] > max(part.at for part in scanned):
                        scanned = ()  # all later rows are newer than every part of the scan
                    more = {"getMore": reply["cursor"]["id"], "collection": JOURNAL, "batchSize": MAX_ROWS}
                    reply = self._command(session, {**more, "maxTimeMS": 500})
                    changes = reply["cursor"]["nextBatch"]
            finally:
                self._close(session, reply["cursor"]["id"])

    def _scan(self, done: list[Scanned]) -> Iterator[Batch]:
        """All rows, those of each key in the order of their versions, in as few parts as snapshots allow.

        A key is in one slot and a slot in one part, so all rows of a key are read as of one instant. A part that
        outlasts its snapshot is halved and read again. The token keeps the parts that are `done`.
        """
        missing = _missing(done)
        while missing:
            first, end = missing[0]
            try:
                for rows, at in self._snapshot(first, end):  # noqa: B007 - all parts have the same
                    yield from _row_portions(rows, {"scanned": [part.document() for part in done]})
            except OperationFailure as error:
                if error.code not in SNAPSHOT_LOST or end - first == 1:
                    raise
                middle = (first + end) // 2
                missing[0:1] = [(first, middle), (middle, end)]
                log.warning(
                    "reading the journal took longer than a snapshot lasts: reading it in parts", parts=len(missing)
                )
                continue
            done.append(Scanned(first, end, at))
            missing.pop(0)
            yield Batch((), {"scanned": [part.document() for part in done]}, progress=True)

    def _snapshot(self, first: int, end: int) -> Iterator[tuple[list[Document], Timestamp]]:
        """The rows of some slots as of one instant.

        Read concern `majority` could show a later version without the earlier one; a snapshot shows both or
        neither.
        """
        slots = {} if (first, end) == (0, SLOTS) else {"slot": {"$gte": first, "$lt": end}}
        with self.db.client.start_session(causal_consistency=False) as session:
            reply = self._command(
                session,
                {
                    "find": JOURNAL,
                    "filter": {"topic": {"$type": "string"}, **slots},
                    "sort": {"sequence": 1, "_id": 1},
                    "batchSize": MAX_ROWS,
                    "readConcern": {"level": "snapshot"},
                },
            )
            at: Timestamp = reply["cursor"]["atClusterTime"]
            yield reply["cursor"]["firstBatch"], at
            while reply["cursor"]["id"]:
                command = {"getMore": reply["cursor"]["id"], "collection": JOURNAL, "batchSize": MAX_ROWS}
                reply = self._command(session, command)
                yield reply["cursor"]["nextBatch"], at

    def _command(self, session: ClientSession, command: Document) -> Document:
        return dict(self.db.raw.command(command, session=session, codec_options=self.db.raw.codec_options))

    def _close(self, session: ClientSession, cursor: int) -> None:
        if cursor:
            try:
                self._command(session, {"killCursors": JOURNAL, "cursors": [cursor]})
            except PyMongoError as error:
                log.info("the change stream was gone already", error=type(error).__name__)


def size_of(row: Mapping[str, Any]) -> int:
    """The bytes of the row's record, without the bytes that Kafka adds."""
    headers = sum(len(name) + len(content) for name, content in row["headers"])
    return len(row["value"] or b"") + len((row["key"] or "").encode()) + headers


def _portions(changes: Sequence[Document], last: Document, extra: Document) -> Iterator[Batch]:
    """Batches of at most MAX_BYTES. Each but the last ends with the token of its own last row."""
    groups = _by_size([change["fullDocument"] for change in changes])
    tokens = [change["_id"] for change in changes]
    reached = 0
    for group in groups[:-1]:
        reached += len(group)
        yield Batch(group, {"token": tokens[reached - 1], **extra})
    yield Batch(groups[-1], last)


def _row_portions(rows: Sequence[Document], token: Document) -> Iterator[Batch]:
    for group in _by_size(rows):
        yield Batch(group, token)


def _by_size(rows: Sequence[Document]) -> list[list[Document]]:
    """The rows in groups of at most MAX_BYTES, at least one group. A row that Kafka refuses is alone."""
    groups: list[list[Document]] = [[]]
    size = 0
    for row in rows:
        more = len(row["value"] or b"")
        if more > MAX_BYTES // 2:  # the size of key and headers matters only near the limit
            more = size_of(row)
        if groups[-1] and (size + more > MAX_BYTES or more > RECORD_LIMIT_BYTES):
            groups.append([])
            size = 0
        groups[-1].append(row)
        size += more
        if more > RECORD_LIMIT_BYTES:
            size = MAX_BYTES + 1
    return groups


def _is_history_lost(error: OperationFailure) -> bool:
    return error.code == HISTORY_LOST or error.has_error_label("NonResumableChangeStreamError")


def _scanned(token: Document | None) -> list[Scanned]:
    if token and "after" in token:  # the token of a release that read the journal as a whole
        return [Scanned(0, SLOTS, token["after"])]
    return [Scanned(*part) for part in (token or {}).get("scanned", ())]


def _missing(done: Sequence[Scanned]) -> list[tuple[int, int]]:
    """The ranges of slots that were not read yet."""
    missing, first = [], 0
    for part in sorted(done, key=lambda part: part.first):
        if part.first > first:
            missing.append((first, part.first))
        first = part.end
    return [*missing, (first, SLOTS)] if first < SLOTS else missing


def _was_scanned(change: Document, scanned: Sequence[Scanned]) -> bool:
    row = change["fullDocument"]
    slot = row.get("slot", slot_of(row["key"]))
    return any(part.first <= slot < part.end and change["clusterTime"] <= part.at for part in scanned)

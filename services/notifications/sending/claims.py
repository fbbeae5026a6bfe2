"""Claims: one sender at a time has a delivery, for as long as its claim lasts.

A claim moves `next_at` on by a minute, so the claim of a sender that died ends by itself. The fields of the delivery
tell the next sender the outcome: `accepted_at` (sent), only `handed_over_at` (unknown), neither (not sent). MongoDB's
clock decides which deliveries are due and when a claim ends: senders with different clocks would otherwise take each
other's mails.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pymongo import UpdateOne
from pymongo.write_concern import WriteConcern

from services.notifications.deliveries.domain import LANES, URGENT
from services.notifications.deliveries.store import DELIVERIES
from services.notifications.sending.domain import BATCH, CLAIM
from shared.mongo.aggregates import Document
from shared.mongo.database import Database

# What a delivery lacks that version 0.1.0 has queued.
OF_VERSION_0_1 = {"lane": URGENT, "announcement_id": None, "resend_of": None, "unknowns": 0, "server": None}
IS_DUE = {"$expr": {"$lte": ["$next_at", "$$NOW"]}}


def in_(wait: timedelta) -> Document:
    """The moment `delay` from now, by MongoDB's clock."""
    return {"$add": ["$$NOW", round(wait.total_seconds() * 1000)]}


def claim(db: Database, token: str, *, lanes: Sequence[int] = LANES, limit: int = BATCH) -> list[Document]:
    """Takes up queued deliveries that are due, by lane and then oldest first. Two senders never get the same one."""
    wanted = [*lanes, None] if URGENT in lanes else list(lanes)  # None: as version 0.1.0 queued it
    due = {"state": "queued", "lane": {"$in": wanted}, **IS_DUE}
    order = [("lane", 1), ("next_at", 1), ("_id", 1)]
    found = list(db[DELIVERIES.collection].find(due, {"lane": 1}).sort(order).limit(4 * limit))
    if not found:
        return []
    # Senders that look at the same moment should not all reach for the same ones, but all for the first lane.
    foremost = sum(row.get("lane") == found[0].get("lane") for row in found)
    first = random.randrange(0, foremost, limit) if foremost > limit else 0  # noqa: S311
    ids = [row["_id"] for row in found[first : first + limit]]
    mine = [{"$set": {"claim": token, "next_at": in_(CLAIM)}}]
    db[DELIVERIES.collection].update_many({"_id": {"$in": ids}, **due}, mine)
    claimed = db[DELIVERIES.collection].find({"_id": {"$in": ids}, "claim": token})
    return _in_order([{**OF_VERSION_0_1, **row} for row in claimed])


def _in_order(claimed: Sequence[Document]) -> list[Document]:
    """By lane, with the deliveries about one registration in the order in which they were made."""
    lanes: dict[str, int] = {}
    for document in claimed:
        about = document["registration_id"] or document["_id"]
        lanes[about] = min(document["lane"], lanes.get(about, document["lane"]))
    return sorted(claimed, key=lambda row: (lanes[row["registration_id"] or row["_id"]], row["_id"]))


def behind_another(db: Database, claimed: Sequence[Document]) -> set[str]:
    """The deliveries whose registration has an earlier unsent delivery: a registration's mails keep their order."""
    ours = {document["_id"] for document in claimed}
    about = [document for document in claimed if document["registration_id"]]
    if not about:
        return set()
    earlier = db[DELIVERIES.collection].find(
        {"registration_id": {"$in": [document["registration_id"] for document in about]}, "state": "queued"},
        {"registration_id": 1},
    )
    first: dict[str, str] = {}
    for row in earlier:
        if row["_id"] not in ours:
            first[row["registration_id"]] = min(row["_id"], first.get(row["registration_id"], row["_id"]))
    return {
        document["_id"]
        for document in about
        if first.get(document["registration_id"], document["_id"]) < document["_id"]
    }


def hand_over(
    db: Database, token: str, mails: Mapping[str, Mapping[str, Any]], *, accepted: Sequence[str] = ()
) -> Collection[str]:
    """Notes that the SMTP dialogues of these mails begin now, each with its fields. Returns those that may begin.

    The others lost their claim or were cancelled. The same round trip notes that the server took the mails `accepted`
    before these: a note of its own would cost a second round trip for each mail. If the sender dies, the outcome of
    these mails is unknown, so their number bounds how many are sent twice.
    """
    # Single updates alone are tried again by the driver when the primary steps down.
    operations = [
        UpdateOne(
            {"_id": identifier, "claim": token, "state": "queued"},
            {"$set": {**fields, "claim": token}, "$inc": {"attempts": 1}, "$currentDate": {"handed_over_at": True}},
        )
        for identifier, fields in mails.items()
    ]
    operations += [UpdateOne({"_id": identifier}, {"$currentDate": {"accepted_at": True}}) for identifier in accepted]
    # w=1: a note only narrows down the unknown outcomes after a crash. If the primary loses it, the mail is sent twice.
    deliveries = db[DELIVERIES.collection].with_options(write_concern=WriteConcern(w=1))
    result = deliveries.bulk_write(operations, ordered=False)
    if result.matched_count == len(mails) + len(accepted):
        return mails.keys()
    begun = {"_id": {"$in": list(mails)}, "claim": token, "state": "queued"}
    return {row["_id"] for row in deliveries.find(begun, {"_id": 1})}


def renew(db: Database, identifiers: Sequence[str], token: str) -> None:
    """Renews the claims for another minute, while the dialogues with the server go on."""
    db[DELIVERIES.collection].update_many(
        {"_id": {"$in": list(identifiers)}, "claim": token, "state": "queued"}, [{"$set": {"next_at": in_(CLAIM)}}]
    )


def postpone(
    db: Database,
    identifier: str,
    token: str,
    wait: timedelta,
    *,
    waits: int = 0,
    fields: Mapping[str, Any] | None = None,
) -> None:
    """Puts the delivery back into the queue for a while, as not sent.

    `waits` is added to the delivery's own count; `fields` are written with it.
    """
    noted = {name: {"$literal": value} for name, value in {"handed_over_at": None, **(fields or {})}.items()}
    later = {"claim": None, "next_at": in_(wait), "waits": {"$add": ["$waits", waits]}}
    db[DELIVERIES.collection].update_one({"_id": identifier, "claim": token}, [{"$set": {**noted, **later}}])


def postpone_in_doubt(db: Database, identifier: str, token: str, wait: timedelta) -> None:
    """Queues a delivery with an unknown outcome: it is sent again after a while, under the same Message-ID."""
    later = {"claim": None, "next_at": in_(wait), "unknowns": {"$add": [{"$ifNull": ["$unknowns", 0]}, 1]}}
    db[DELIVERIES.collection].update_one({"_id": identifier, "claim": token}, [{"$set": later}])


def release(db: Database, token: str, identifiers: Sequence[str], *, taken_back: Collection[str] = ()) -> None:
    """Gives up the claim on deliveries that no server was offered, so that another sender can have them at once.

    `taken_back` are those among them whose dialogue was noted, and did not begin.
    """
    if not identifiers:
        return
    noted = {"$and": [{"$in": ["$_id", list(taken_back)]}, {"$ne": ["$handed_over_at", None]}]}
    as_before = {
        "handed_over_at": {"$cond": [noted, None, "$handed_over_at"]},
        "attempts": {"$subtract": ["$attempts", {"$cond": [noted, 1, 0]}]},
    }
    db[DELIVERIES.collection].update_many(
        {"_id": {"$in": list(identifiers)}, "claim": token},
        [{"$set": {"claim": None, "next_at": "$$NOW", **as_before}}],
    )

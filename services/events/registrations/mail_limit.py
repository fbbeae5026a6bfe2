"""How many e-mails strangers can cause to one address: two an hour, whatever they do.

Whoever fills in the public form may write anybody's address. Without a limit the form would be a mail cannon.
"""

from datetime import datetime, timedelta

from pymongo import IndexModel, UpdateOne

from shared.mongo.unit_of_work import UnitOfWork

MAILS = "public_mails"
MAILS_INDEXES = [IndexModel("expires_at", name="ttl", expireAfterSeconds=0)]

MOST_AN_HOUR = 2
HOUR = timedelta(hours=1)
# Somebody who registers for eight events in a row has their mails within this time; more is nobody's honest wish.
LONGEST_WAIT = timedelta(hours=3)
# A confirmed address stays known for as long as a season's events go on.
CONFIRMED_KEPT = timedelta(days=400)


def take_mail(uow: UnitOfWork, address_key: str | None, *, may_wait: bool) -> datetime | None:
    """When the next e-mail to this address may go out; None when it may not (`may_wait`: within three hours).

    It counts from here on. The address's row is written by each transaction that asks, so two of them that ask at
    once meet a write conflict and one starts over: the limit is the database's. A mail to an address that somebody
    has confirmed by the link in an earlier one need not wait.
    """
    if address_key is None:
        return uow.now
    row = uow.find_and_update(MAILS, {"_id": address_key}, {"$inc": {"asked": 1}}, upsert=True, return_document=True)
    assert row is not None
    recent: list[datetime] = sorted(moment for moment in row.get("at", ()) if moment > uow.now - HOUR)
    moment = uow.now
    if len(recent) >= MOST_AN_HOUR and not (may_wait and row.get("confirmed")):
        moment = max(uow.now, recent[-MOST_AN_HOUR] + HOUR)
    if moment > uow.now + (LONGEST_WAIT if may_wait else timedelta(0)):
        return None
    kept = uow.now + (CONFIRMED_KEPT if row.get("confirmed") else LONGEST_WAIT + HOUR)
    taken = [*recent, moment][-8:]
    uow.write(MAILS, UpdateOne({"_id": address_key}, {"$set": {"at": taken, "expires_at": kept}}))
    return moment


def confirm_address(uow: UnitOfWork, address_key: str | None) -> None:
    """The address is its owner's: they opened a link that was sent there, and confirmed it."""
    if address_key is not None:
        confirmed = {"confirmed": True, "expires_at": uow.now + CONFIRMED_KEPT}
        uow.write(MAILS, UpdateOne({"_id": address_key}, {"$set": confirmed}, upsert=True))

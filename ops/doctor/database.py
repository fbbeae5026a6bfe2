"""The examination of MongoDB: writes, version and members, the rights of the service's user, and the clock."""

from collections.abc import Iterator
from datetime import UTC

from ops.context import OpsContext
from ops.doctor.findings import Finding, advice, wrong
from shared.ids import utc_now

# Leases, claims and periodic tasks use MongoDB's clock; instants in documents and messages use the processes' own.
CLOCK_SECONDS = 1.0
SUPPORTED_SERIES = 7
SAFE_MEMBERS = 3


def database(context: OpsContext) -> Iterator[Finding]:
    client = context.db.client
    if not context.db.takes_writes():
        yield wrong(
            "MongoDB takes no writes: no majority of its members is there.",
            "Bring members back; nothing that was acknowledged is lost.",
        )
    members = client.admin.command("hello").get("hosts", [])
    if len(members) < SAFE_MEMBERS:
        yield advice(
            f"MongoDB has {len(members)} member(s): the loss of one machine stops or loses everything.",
            "Run a replica set of three members.",
        )
    version = client.server_info()["version"]
    if int(version.partition(".")[0]) < SUPPORTED_SERIES:
        yield advice(
            f"MongoDB {version} gets no security fixes any more.", "Bring your own MongoDB, 8.0 or newer, for real use."
        )
    own = context.settings.mongodb_database
    if others := sorted(set(client.list_database_names()) - {own}):
        yield advice(
            f"The service's user sees other databases: {', '.join(others[:5])}.",
            f"Give it a user who may read and write {own} and nothing else.",
        )


def clock(context: OpsContext) -> Iterator[Finding]:
    before = utc_now()
    there = context.db.client.admin.command("hello")["localTime"].replace(tzinfo=UTC)
    after = utc_now()
    # MongoDB's time was read somewhere between the two.
    apart = max((before - there).total_seconds(), (there - after).total_seconds())
    if apart > CLOCK_SECONDS:
        yield wrong(
            f"This process's clock and MongoDB's are {apart:.1f} s apart: reminders and leases come at wrong times.",
            "Set both machines' clocks by NTP.",
        )

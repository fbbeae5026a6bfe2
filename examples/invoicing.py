"""What to invoice: a fee for each enrolment, and each workshop that was held. Known from the topics alone.

    KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 python examples/invoicing.py invoices.sqlite [--once]

Prints each line of an invoice once, as CSV, whenever it is started again. The prices are an example's.
"""

import argparse
import csv
import sqlite3
import sys
from collections.abc import Iterator
from typing import Any

from reading import State, follow

SEASONS = "uso.enrolment.seasons.v1"
ORGANISATIONS = "uso.enrolment.organisations.v1"
ENROLMENTS = "uso.enrolment.enrolments.v1"
WORKSHOP_DAYS = "uso.enrolment.workshop-days.v1"
FEE = 4900
PER_HALF_DAY = 650
COLUMNS = ("line", "payer", "business_id", "what", "euros")


def lines(known: dict[str, dict[str, State]]) -> Iterator[dict[str, Any]]:
    """The lines that the present state calls for. A line's id never changes, so it can be told from a new one."""
    for enrolment in known[ENROLMENTS].values():
        payer = known[ORGANISATIONS].get(enrolment["organisation_id"])
        season = known[SEASONS].get(enrolment["season_id"])
        if payer is None or season is None:  # not here yet: topics keep no order among them
            continue
        to = {"payer": next(iter(payer["name"].values())), "business_id": payer["business_id"] or ""}
        if enrolment["state"] in ("active", "completed"):
            yield {"line": enrolment["id"], **to, "what": f"Season {season['number']}: fee", "euros": FEE}
        account = known[WORKSHOP_DAYS].get(enrolment["id"], {"ledger": []})
        for entry in account["ledger"]:
            if entry["kind"] == "used":
                what = f"Season {season['number']}: workshop of {entry['half_days'] / 2:g} days"
                yield {"line": entry["id"], **to, "what": what, "euros": entry["half_days"] * PER_HALF_DAY}


def main() -> None:
    parser = argparse.ArgumentParser(description="Prints what to invoice.")
    parser.add_argument("database", help="where it remembers what it has printed")
    parser.add_argument("--once", action="store_true", help="end when everything up to now has been read")
    options = parser.parse_args()
    invoiced = sqlite3.connect(options.database)
    invoiced.execute("CREATE TABLE IF NOT EXISTS invoiced (line TEXT PRIMARY KEY)")
    writer = csv.DictWriter(sys.stdout, COLUMNS)
    writer.writeheader()
    for known in follow(SEASONS, ORGANISATIONS, ENROLMENTS, WORKSHOP_DAYS, once=options.once):
        for line in lines(known):
            with invoiced:
                if invoiced.execute("INSERT OR IGNORE INTO invoiced VALUES (?)", (line["line"],)).rowcount:
                    writer.writerow(line)
                    sys.stdout.flush()


if __name__ == "__main__":
    main()

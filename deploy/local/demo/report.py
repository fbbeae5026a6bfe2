"""What there is to see after the story."""

import math
import statistics
from collections import Counter
from datetime import datetime

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from deploy.local.demo.mails import Mail
from deploy.local.demo.people import MUNICIPALITIES, SHOWN_IN_FULL
from deploy.local.demo.story_state import Json, StoryState
from deploy.local.demo.webinar_and_workshops import FINLAND

LANGUAGES = ("fi", "sv", "en")
LEDGER_LINES = {"granted": "granted", "reserved": "reserved for a workshop", "refused": "refused: not enough left"}


def show(story: StoryState, console: Console) -> None:
    """Prints the summary of a story that was told."""
    for part in (_timeline(story), _balance(story), _mails(story), _one_mail(story), _topics(story), _speed(story)):
        console.print()
        console.print(part)
    console.print(
        "\n[dim]Municipalities: Statistics Finland; population: THL (CC BY 4.0). "
        "The people and what is told of any municipality are invented.[/dim]"
    )


def _timeline(story: StoryState) -> Table:
    """One municipality: what its people did and what they were written, from the three services' APIs."""
    town = next(municipality for municipality in MUNICIPALITIES if municipality.code == SHOWN_IN_FULL)
    name = story.organisations[town.code]["name"]["fi"]
    mine = [story.contacts[person.email] for person in town.people]
    ids = {contact["id"] for contact in mine}
    rows: list[tuple[str, str, str, str]] = []
    for registration in story.coordinator.events.every(f"/v1/events/{story.webinar['id']}/registrations"):
        if registration["contact_id"] in ids:
            who = _who(story.of_contact(registration["contact_id"]))
            rows.append((registration["created_at"], "registration", f"webinar: {registration['state']}", who))
    for contact in mine:
        for delivery in story.coordinator.notifications.every("/v1/deliveries", contact_id=contact["id"]):
            rows.append((delivery["sent_at"] or delivery["created_at"], "e-mail", delivery["template"], _who(contact)))
    table = Table("when", "what", "which", "who", title=f"{name}: registrations and deliveries", title_justify="left")
    for at, kind, what, who in sorted(rows):
        table.add_row(f"{datetime.fromisoformat(at).astimezone(FINLAND):%H:%M:%S.%f}"[:-3], kind, what, who)
    return table


def _balance(story: StoryState) -> Table:
    table = Table("entry", "days", title="Its workshop days", title_justify="left")
    for entry in story.account["ledger"]:
        table.add_row(LEDGER_LINES.get(entry["kind"], entry["kind"]), _days(entry["half_days"]))
    table.add_section()
    for name in ("granted", "reserved", "used", "available"):
        table.add_row(Text(name, "bold"), Text(_days(story.account[name]), "bold"))
    table.columns[1].justify = "right"
    return table


def _mails(story: StoryState) -> Table:
    counts = Counter((delivery["template"], delivery["language"]) for delivery in story.deliveries)
    table = Table("template", *LANGUAGES, "all", title="E-mails by template and language", title_justify="left")
    templates = dict.fromkeys(mail.template for mail in story.wanted)
    for template in templates:
        numbers = [counts[template, language] for language in LANGUAGES]
        table.add_row(template, *(str(number or "") for number in numbers), str(sum(numbers)))
    table.add_section()
    totals = [sum(counts[template, language] for template in templates) for language in LANGUAGES]
    table.add_row("all", *map(str, totals), str(sum(totals)), style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _one_mail(story: StoryState) -> Panel | Text:
    """A Finnish confirmation of a registration, whole."""
    mail = next((mail for mail in story.mails if mail.language == "fi" and mail.entry is not None), None)
    if mail is None:
        return Text("The e-mails went to a mail server outside of this stack: none is shown here.")
    return Panel(Group(*_printed(mail)), title="One of them", title_align="left")


def _printed(mail: Mail) -> list[Text]:
    lines = [
        Text.assemble(("From:    ", "dim"), mail.sender),
        Text.assemble(("To:      ", "dim"), mail.to),
        Text.assemble(("Subject: ", "dim"), (mail.subject, "bold")),
        Text(),
        Text(mail.text.strip()),
    ]
    if mail.entry is not None:
        lines += [
            Text(),
            Text(f"DTSTART{mail.entry.dtstart}", "dim"),
            Text(f"SUMMARY:{mail.entry.summary}", "dim"),
        ]
    return lines


def _topics(story: StoryState) -> Table:
    table = Table("topic", "message type", "messages", title="Messages by topic", title_justify="left")
    counts = Counter((record.topic, record.type) for record in story.records)
    before = ""
    for (topic, kind), number in sorted(counts.items()):
        if topic != before and before:
            table.add_section()
        table.add_row(topic if topic != before else "", kind, str(number))
        before = topic
    table.add_section()
    table.add_row("all", "", str(counts.total()), style="bold")
    table.columns[2].justify = "right"
    return table


def _speed(story: StoryState) -> Text:
    if not story.seconds_to_mail:
        return Text("From a registration's answer to its e-mail: not measured, the mail server is an outside one.")
    took = [1000 * seconds for seconds in sorted(story.seconds_to_mail)]
    p99 = took[math.ceil(0.99 * len(took)) - 1]
    return Text.assemble(
        f"From a registration's HTTP answer to its e-mail, {len(took)} of them, many at once: ",
        (f"median {statistics.median(took):.0f} ms, p99 {p99:.0f} ms", "bold"),
    )


def _who(contact: Json) -> str:
    return f"{contact['given_name']} {contact['family_name']} ({contact['role']})"


def _days(half_days: int) -> str:
    return f"{half_days / 2:g}"

"""Draws docs/pictures.md from the code, as Mermaid: `python -m deploy.pictures`."""

from collections.abc import Iterator
from pathlib import Path

from deploy.kafka_rights import SERVICES
from services.enrolment.enrolments.domain import LIFECYCLE as ENROLMENT
from services.enrolment.seasons.domain import LIFECYCLE as SEASON
from services.enrolment.tasks.domain import LIFECYCLE as TASK
from services.events.events.domain import LIFECYCLE as EVENT
from services.events.registrations.domain import LIFECYCLE as REGISTRATION
from services.notifications.announcements.domain import LIFECYCLE as ANNOUNCEMENT
from shared.messaging.subscriptions import Projection
from shared.service import Service
from shared.state_machine import StateMachine

PAGE = Path(__file__).resolve().parents[1] / "docs" / "pictures.md"
MACHINES = (SEASON, ENROLMENT, TASK, EVENT, REGISTRATION, ANNOUNCEMENT)
HEAD = """# Pictures

Drawn from the code by `python -m deploy.pictures`; [architecture.md](architecture.md) tells what they show.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD, "## Topics between services", _about_topics(), _fenced(_topics())]
    parts += ["## Processes and servers of one service", _fenced(_processes())]
    parts.append("## States")
    for machine in MACHINES:
        parts += [f"### {machine.name.capitalize()}", _steps_with_conditions(machine), _fenced(_states(machine))]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _about_topics() -> str:
    return (
        "A solid arrow keeps a copy of what the topic says; a dotted one only acts on it. "
        "Dead letters and the relays' offsets are left out."
    )


def _topics() -> Iterator[str]:
    yield "flowchart LR"
    for service in SERVICES:
        yield f"  {service.name}[[{service.name}]]"
        for topic in service.topics:
            noun = topic.name.split(".")[2]
            yield f"  {service.name} --> {_node(topic.name)}([{noun}])"
    for service in SERVICES:
        for name in sorted(service.subscriptions):
            yield f"  {_node(name)} {'-->' if _is_copied(service, name) else '-.->'} {service.name}"


def _is_copied(service: Service, topic: str) -> bool:
    return any(isinstance(handler, Projection) for handler in service.subscriptions[topic])


def _node(topic: str) -> str:
    return topic.removeprefix("uso.").removesuffix(".v1").replace(".", "_").replace("-", "_")


def _processes() -> Iterator[str]:
    yield from (
        "flowchart LR",
        "  caller -->|HTTP, token| api",
        "  api -->|one transaction: state and journal| mongodb[(MongoDB database)]",
        "  mongodb -->|change stream| relay",
        "  relay -->|one transaction: messages and resume token| kafka[[Kafka: own topics]]",
        "  others[[Kafka: topics of others]] --> worker",
        "  worker -->|one transaction: offsets, copies, effects, journal| mongodb",
        "  worker -->|SMTP, notifications only| mail",
    )


def _steps_with_conditions(machine: StateMachine) -> str:
    sentences = []
    if machine.reasoned:
        sentences.append(f"A reason is needed for: {', '.join(sorted(machine.reasoned))}.")
    sentences += [f"Only a {role} may make it {state}." for state, role in sorted(machine.roles.items())]
    return " ".join(sentences)


def _states(machine: StateMachine) -> Iterator[str]:
    yield "stateDiagram-v2"
    yield f"  [*] --> {machine.states[0]}"
    for state, following in machine.steps.items():
        yield from (f"  {state} --> {step}" for step in sorted(following))
        if machine.is_final(state):
            yield f"  {state} --> [*]"


def _fenced(lines: Iterator[str]) -> str:
    return "\n".join(["```mermaid", *lines, "```"])


if __name__ == "__main__":
    PAGE.write_text(page())

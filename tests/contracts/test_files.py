"""What stands in contracts/published is what the services promise, whole and consistent."""

import json
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contracts import PUBLISHED, RELEASED, SERVICES, present
from contracts.asyncapi import DEAD_LETTER
from contracts.examples import all_examples
from contracts.files import NoExample, outdated, read, texts, write
from contracts.shapes import MessageType, message_types
from shared.messaging.dead_letters import dead_letter
from shared.messaging.messages import Undecodable
from tests.contracts.promised import examples, promised

TYPES = list(message_types(SERVICES))
PERSONAL = {"given_name", "family_name", "email", "phone", "person"}
CONTACTS = "uso.enrolment.contacts.v1"


def names(value: Any) -> Iterator[str]:
    """The names of all members, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names(inner)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from [value["$ref"]] if "$ref" in value else []
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_files_are_up_to_date() -> None:
    assert not outdated(PUBLISHED, texts(SERVICES, present(), all_examples())), "run python -m contracts write"


def test_the_examples_are_the_same_each_time() -> None:
    assert all_examples() == all_examples()


def test_what_is_written_is_up_to_date_and_what_is_not_wanted_is_gone(tmp_path: Any) -> None:
    files = texts(SERVICES, present(), all_examples())
    write(tmp_path, files | {"schemas/fi.uso.thing.forgotten.json": "{}"})
    assert outdated(tmp_path, files) == ["schemas/fi.uso.thing.forgotten.json"]
    write(tmp_path, files)
    assert outdated(tmp_path, files) == []
    (tmp_path / "README.md").write_text("by hand")
    (tmp_path / "asyncapi.json").unlink()
    assert outdated(tmp_path, files) == ["README.md", "asyncapi.json"]


def test_a_message_type_without_an_example_is_refused() -> None:
    examples = all_examples()
    del examples["fi.uso.contact.created"]
    with pytest.raises(NoExample, match=r"fi\.uso\.contact\.created"):
        texts(SERVICES, present(), examples)


@pytest.mark.parametrize("message", TYPES, ids=lambda message: message.full_name)
def test_each_message_type_has_a_schema_that_its_example_fits(message: MessageType) -> None:
    schema = json.loads((PUBLISHED / "schemas" / f"{message.full_name}.json").read_text())
    example = json.loads((PUBLISHED / "examples" / f"{message.full_name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(example)
    assert example["type"] == message.full_name
    assert example["dataschema"] == schema["$id"]
    assert example["subject"] == example["data"]["state"]["id"]


@pytest.mark.parametrize("name", sorted(read(RELEASED).schemas))
def test_each_example_fits_the_schema_of_the_last_release(name: str) -> None:
    example = json.loads((PUBLISHED / "examples" / f"{name}.json").read_text())
    Draft202012Validator(read(RELEASED).schemas[name]).validate(example)


def test_each_topic_has_one_owner_and_says_what_it_is_for() -> None:
    owned = Counter(topic.name for service in SERVICES for topic in service.topics)
    assert set(owned.values()) == {1}
    assert all(topic.name.startswith(f"uso.{service.name}.") for service in SERVICES for topic in service.topics)
    assert all(topic.about.endswith(".") for service in SERVICES for topic in service.topics)


def test_each_topic_that_somebody_reads_or_writes_has_an_owner() -> None:
    owned = {service.name: {topic.name for topic in service.topics} for service in SERVICES}
    assert {topic for service in SERVICES for topic in service.subscriptions} <= set().union(*owned.values())
    assert all(message.topic in owned[message.service.name] for message in TYPES)


def test_each_topic_that_a_service_owns_has_messages() -> None:
    assert {topic.name for service in SERVICES for topic in service.topics} == {message.topic for message in TYPES}


def test_each_message_type_is_told_on_one_topic_but_for_what_each_service_says() -> None:
    told = Counter(message.full_name for message in TYPES)
    assert {name: times for name, times in told.items() if times > 1} == {"fi.uso.erasure.acknowledged": 3}


@pytest.mark.parametrize(
    "message", [message for message in TYPES if message.topic != CONTACTS], ids=lambda message: message.full_name
)
def test_only_the_contacts_topic_has_anything_personal(message: MessageType) -> None:
    assert not PERSONAL & set(names(promised().schemas[message.full_name]))
    example = json.dumps(examples()[message.full_name], ensure_ascii=False)
    contact = examples()["fi.uso.contact.created"]["data"]["state"]
    assert not [contact[name] for name in ("given_name", "family_name", "email", "phone") if contact[name] in example]


def test_each_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = json.loads((PUBLISHED / "asyncapi.json").read_text())
    found = set(references(document))
    for reference in found:
        if reference.startswith("./"):
            assert (PUBLISHED / reference).is_file(), reference
            continue
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    assert len(found) > len(TYPES)


def test_the_asyncapi_document_tells_readers_to_read_what_is_committed() -> None:
    document = present().asyncapi
    assert "isolation.level=read_committed" in document["info"]["description"]
    assert "isolation.level=read_committed" in document["servers"]["kafka"]["description"]


def test_contacts_can_be_erased_and_so_have_tombstones() -> None:
    assert "tombstone" in present().asyncapi["channels"][CONTACTS]["messages"]


def test_dead_letters_have_the_headers_that_are_described() -> None:
    record = SimpleNamespace(topic="t", partition=0, offset=7, key=b"k", value=b"?", headers=[])
    letter = dead_letter(record, Undecodable("Not JSON."), tries=3, service="events", group="uso.events")
    headers = present().asyncapi["components"]["messages"][DEAD_LETTER]["headers"]
    assert {f"dead-letter-{name}" for name in letter.about} == set(headers["required"])
    assert set(headers["properties"]) - set(headers["required"]) == {"dead-letter-left-out"}  # of a large record alone

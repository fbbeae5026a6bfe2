"""The checker of compatibility, tested by changing what was promised."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from contracts import RELEASED, __main__, present
from contracts.compatibility import Contract, breaks
from contracts.files import read, release

Json = dict[str, Any]
CREATED = "fi.uso.contact.created"
CONTACTS = "uso.enrolment.contacts.v1"


def changed(change: Callable[[Contract], Any]) -> list[str]:
    """What the checker says when the released contract is changed like this."""
    released = read(RELEASED)
    later = copy.deepcopy(released)
    change(later)
    return breaks(released, later)


def state(contract: Contract, name: str = CREATED) -> Json:
    shape: Json = contract.schemas[name]["properties"]["data"]["properties"]["state"]
    return shape


def fields(contract: Contract, name: str = CREATED) -> Json:
    inner: Json = state(contract, name)["properties"]
    return inner


def bindings(contract: Contract) -> Json:
    kafka: Json = contract.asyncapi["channels"][CONTACTS]["bindings"]["kafka"]
    return kafka


def test_the_present_messages_keep_what_the_last_release_promised() -> None:
    assert breaks(read(RELEASED), present()) == []


def test_a_release_is_what_is_promised_at_present(tmp_path: Path) -> None:
    release(tmp_path, present())
    assert read(tmp_path) == present()


def test_a_removed_field_is_told_by_its_path() -> None:
    sentences = changed(lambda later: (fields(later).pop("phone"), state(later)["required"].remove("phone")))
    assert sentences == [f"{CREATED}: the field data.state.phone was removed; fields may only be added within v1"]


def test_a_renamed_field_is_a_removed_one() -> None:
    def rename(later: Contract) -> None:
        fields(later)["telephone"] = fields(later).pop("phone")

    assert changed(rename) == [f"{CREATED}: the field data.state.phone was removed; fields may only be added within v1"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda later: fields(later)["title"].update(type="integer"),
            "the field data.state.title was string or null and may be integer now",
        ),
        (
            lambda later: fields(later)["family_name"].update(type=["string", "null"]),
            "the field data.state.family_name may be null now",
        ),
        (
            lambda later: fields(later)["family_name"].pop("type"),
            "the field data.state.family_name was string and may be anything now",
        ),
        (
            lambda later: fields(later)["role"]["enum"].append("chair"),
            'the field data.state.role may be "chair" now; its readers know only '
            '"officeholder", "elected", "developer", "other"',
        ),
        (
            lambda later: fields(later)["role"].pop("enum"),
            'the field data.state.role was one of "officeholder", "elected", "developer", "other" '
            "and may be anything now",
        ),
        (
            lambda later: state(later)["required"].remove("email"),
            "the field data.state.email was always there and may be absent now",
        ),
        (
            lambda later: fields(later)["email"].update(maxLength=1000),
            "the field data.state.email had a maxLength of 254 and has 1000 now",
        ),
        (
            lambda later: fields(later)["family_name"].pop("minLength"),
            "the field data.state.family_name had a minLength of 1 and has none now",
        ),
        (
            lambda later: fields(later)["created_at"].pop("format"),
            "the field data.state.created_at had format 'date-time' and has None now",
        ),
        (
            lambda later: later.schemas[CREATED]["properties"]["source"].update(const="/uso/people"),
            "the field source had const '/uso/enrolment' and has '/uso/people' now",
        ),
        (
            lambda later: later.schemas[CREATED]["properties"].pop("actor"),
            "the field actor was removed; fields may only be added within v1",
        ),
        (
            lambda later: later.schemas.pop(CREATED),
            "the message type was removed; its readers would wait for ever",
        ),
    ],
)
def test_what_breaks_a_reader_is_told(change: Callable[[Contract], Any], sentence: str) -> None:
    assert changed(change) == [f"{CREATED}: {sentence}"]


def test_what_breaks_inside_a_list_is_told_with_its_path() -> None:
    def remove(later: Contract) -> None:
        del fields(later, "fi.uso.season.created")["themes"]["items"]["properties"]["key"]

    assert changed(remove) == [
        "fi.uso.season.created: the field data.state.themes[].key was removed; fields may only be added within v1"
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda later: later.asyncapi["channels"].pop(CONTACTS),
            "the topic was removed; its readers would wait for ever",
        ),
        (
            lambda later: bindings(later)["topicConfiguration"].update({"cleanup.policy": ["delete"]}),
            "cleanup.policy was compact and is delete now; readers rely on what is kept",
        ),
        (
            lambda later: bindings(later)["topicConfiguration"].update({"delete.retention.ms": 1000}),
            "delete.retention.ms was 2592000000 and is 1000 now; who was away may miss something",
        ),
    ],
)
def test_what_becomes_of_a_topic_is_told(change: Callable[[Contract], Any], sentence: str) -> None:
    assert f"{CONTACTS}: {sentence}" in changed(change)


def test_a_message_that_moves_to_another_topic_is_told() -> None:
    def move(later: Contract) -> None:
        channels = later.asyncapi["channels"]
        channels["uso.enrolment.people.v1"] = {"messages": {CREATED: channels[CONTACTS]["messages"].pop(CREATED)}}

    assert changed(move) == [f"{CREATED}: it stood on {CONTACTS} and stands on uso.enrolment.people.v1 now"]


@pytest.mark.parametrize(
    "change",
    [
        lambda later: fields(later).update(nickname={"type": "string"}),
        lambda later: (fields(later).update(nickname={"type": "string"}), state(later)["required"].append("nickname")),
        lambda later: fields(later)["title"].update(type="string"),
        lambda later: fields(later)["role"]["enum"].remove("developer"),
        lambda later: fields(later)["email"].update(maxLength=100, description="where letters go"),
        lambda later: fields(later, "fi.uso.season.created")["package"]["properties"]["workshop_days"].update(
            type="integer"
        ),
        lambda later: later.schemas.update({"fi.uso.contact.merged": later.schemas[CREATED]}),
        lambda later: later.asyncapi["channels"].update({"uso.enrolment.new.v1": {"messages": {}}}),
        lambda later: bindings(later)["topicConfiguration"].update({"delete.retention.ms": 10**12}),
    ],
    ids=[
        *("an added field", "an added field that is always there", "never null any more", "a value less"),
        *("a shorter text", "a number that is an integer now", "a new type", "a new topic", "kept for longer"),
    ],
)
def test_what_helps_or_does_not_touch_a_reader_is_left_alone(change: Callable[[Contract], Any]) -> None:
    assert changed(change) == []


def shapes(shape: Json, path: str) -> Iterator[tuple[Json, str, str]]:
    """Each field of a schema: the object that has it, its name, and its path."""
    for name, inner in shape.get("properties", {}).items():
        at = f"{path}.{name}".lstrip(".")
        yield shape, name, at
        yield from shapes(inner, at)
    if isinstance(shape.get("items"), dict):
        yield from shapes(shape["items"], f"{path}[]")


@pytest.mark.parametrize("name", sorted(read(RELEASED).schemas))
def test_no_field_of_any_message_can_be_taken_away_loosened_or_retyped_unnoticed(name: str) -> None:
    released = read(RELEASED).schemas[name]
    there = [path for _, _, path in shapes(released, "")]
    assert len(there) > 20
    for number, path in enumerate(there):
        for mutate in (_remove, _retype, _make_optional):
            later = copy.deepcopy(released)
            owner, field, _ = list(shapes(later, ""))[number]
            if not mutate(owner, field):
                continue
            told = breaks(_only(name, released), _only(name, later))
            assert any(f"the field {path} " in sentence for sentence in told), (mutate.__name__, path, told)


def _remove(owner: Json, field: str) -> bool:
    del owner["properties"][field]
    return True


def _retype(owner: Json, field: str) -> bool:
    shape = owner["properties"][field]
    owner["properties"][field] = {"type": "boolean" if shape.get("type") != "boolean" else "string"}
    return True


def _make_optional(owner: Json, field: str) -> bool:
    if field not in owner.get("required", ()):
        return False
    owner["required"].remove(field)
    return True


def _only(name: str, schema: Json) -> Contract:
    return Contract(asyncapi={"channels": {}}, schemas={name: schema})


def test_the_command_fails_with_what_broke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    promised = present()
    fields(promised)["fax"] = {"type": "string"}
    release(tmp_path, promised)
    monkeypatch.setattr(__main__, "RELEASED", tmp_path)
    result = CliRunner().invoke(__main__.main, ["compare"])
    assert result.exit_code == 1
    assert "fi.uso.contact.created: the field data.state.fax was removed" in result.output


def test_the_command_is_content_with_the_present_messages() -> None:
    assert CliRunner().invoke(__main__.main, ["compare"]).exit_code == 0
    assert CliRunner().invoke(__main__.main, ["check"]).exit_code == 0

"""What a stranger may call themselves."""

import pytest
from marshmallow import ValidationError

from services.events.registrations.schemas import Person

USUAL = {"given_name": "Aino", "family_name": "Meriläinen", "email": "aino@yliopisto.example"}


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Åke",
            "Anna-Liisa",
            "H. C.",
            "H.C.",
            "J.R.R.",
            "O'Brien",
            "Ng",
            "Mary Jane (Mimmi)",
            "af Ursin",
            "Þór",
            "محمد",
        ),
        *("d'Arc, Jeanne", "Jr.", "St. John", "Müller & Sohn", "Nguyễn", "A" * 60),
    ],
)
def test_the_names_of_people_are_taken(name: str) -> None:
    assert Person().load({**USUAL, "given_name": name})["given_name"] == name


@pytest.mark.parametrize(
    "name",
    [
        "Voitit 500 €! Nouda palkinto: https://evil.example/voitto",
        *(
            "www.evil.example",
            "evil.example",
            "bit.ly/x",
            "t.co/x",
            "WWW evil",
            "HTTP://evil",
            "evil．example",
            "evil。example",
        ),
        *("<b>Aino</b>", "Kunnanjohtaja <johtaja@kunta.example>,", "[lahja](x)", "**Aino**", "`Aino`", "{{ contact }}"),
        *("aino@evil", "100 %", "x;=cmd|'/C calc'!A0", "A" * 61),
    ],
)
@pytest.mark.parametrize("part", ["given_name", "family_name"])
def test_a_name_holds_no_web_address_no_markup_and_sixty_characters_at_most(part: str, name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Person().load({**USUAL, part: name})
    assert list(refused.value.messages_dict) == [part]


def test_an_organisation_carries_no_advertisement_either() -> None:
    with pytest.raises(ValidationError):
        Person().load({**USUAL, "organisation": "Nouda palkinto: evil.example/voitto"})

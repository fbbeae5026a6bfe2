"""The municipalities of the story and their people. The municipalities are real; all else is invented."""

import csv
import io
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("given_name", "family_name", "email", "title", "municipality_code", "role", "language")


@dataclass(frozen=True, kw_only=True)
class Person:
    """`home` is the first label of the address's domain."""

    given_name: str
    family_name: str
    role: str
    language: str
    title: str = ""
    home: str = ""

    @property
    def email(self) -> str:
        return f"{_plain(self.given_name)}.{_plain(self.family_name)}@{self.home}.example"

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}"


@dataclass(frozen=True, kw_only=True)
class Municipality:
    """`outcome` is the state in which the story leaves its enrolment."""

    code: str
    people: tuple[Person, ...]
    outcome: str = "active"


def municipalities_csv() -> str:
    """The 309 municipalities as a table for import (see data/SOURCE.md)."""
    return (Path(__file__).parent / "data" / "municipalities.csv").read_text(encoding="utf-8")


def contacts_csv(municipalities: Iterable[Municipality]) -> str:
    """The people as a table for import."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for municipality in municipalities:
        for person in municipality.people:
            names = (person.given_name, person.family_name, person.email, person.title)
            writer.writerow((*names, municipality.code, person.role, person.language))
    return text.getvalue()


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.lower())
    return "".join(letter for letter in letters if letter.isascii() and letter.isalnum())


def _person(role: str, home: str, line: str) -> Person:
    name, language, title = (part.strip() for part in line.split(","))
    given, _, family = name.partition(" ")
    return Person(given_name=given, family_name=family, role=role, language=language, title=title, home=home)


def _town(code: str, home: str, *, officeholders: str, elected: str, outcome: str = "active") -> Municipality:
    people = [_person("officeholder", home, line) for line in officeholders.split(";")]
    people += [_person("elected", home, line) for line in elected.split(";")]
    return Municipality(code=code, people=tuple(people), outcome=outcome)


# Each person: given and family name, language, title.
MUNICIPALITIES = (
    _town(
        "211",
        "kangasala",
        officeholders="Anna Virtanen, fi, kehittämisjohtaja; Juhani Mäkelä, fi, henkilöstöpäällikkö",
        elected="Tuula Heikkinen, fi, valtuutettu; Eero Salonen, fi, kaupunginhallituksen jäsen",
    ),
    _town(
        "167",
        "joensuu",
        officeholders="Päivi Korhonen, fi, strategiapäällikkö; Antti Turunen, fi, hallintojohtaja",
        elected="Sari Mustonen, fi, valtuutettu",
    ),
    _town(
        "698",
        "rovaniemi",
        officeholders="Niilo Aikio, fi, palvelujohtaja; Inka Ylitalo, fi, kehittämispäällikkö",
        elected="Heikki Ollila, fi, valtuutettu",
    ),
    _town(
        "297",
        "kuopio",
        officeholders="Kaisa Savolainen, fi, muutosjohtaja; Mika Rissanen, fi, talouspäällikkö",
        elected="Leena Pitkänen, fi, valtuutettu; Oskari Hyvönen, fi, lautakunnan puheenjohtaja",
    ),
    _town(
        "205",
        "kajaani",
        officeholders="Riitta Kemppainen, fi, henkilöstöjohtaja",
        elected="Pekka Moilanen, fi, valtuutettu",
    ),
    _town(
        "405",
        "lappeenranta",
        officeholders="Ville Hämäläinen, fi, kehitysjohtaja; Minna Karhu, fi, viestintäpäällikkö",
        elected="Aino Suikkanen, fi, valtuutettu",
    ),
    _town(
        "905",
        "vaasa",
        officeholders="Henrik Nygård, sv, utvecklingschef; Outi Lehtinen, fi, palvelujohtaja; "
        "Grace Okafor, en, development manager",
        elected="Camilla Backman, sv, ledamot i fullmäktige",
    ),
    _town(
        "545",
        "narpes",
        officeholders="Ann-Christin Sjöblom, sv, förvaltningschef; Kjell Norrgård, sv, ekonomichef",
        elected="Rolf Klåvus, sv, ledamot i fullmäktige",
    ),
    _town(
        "710",
        "raseborg",
        officeholders="Petra Lindholm, sv, bildningschef; Jari Koskinen, fi, tekninen johtaja",
        elected="Stefan Öhman, sv, ledamot i styrelsen",
    ),
    _town(
        "853",
        "turku",
        officeholders="Laura Nieminen, fi, strategiajohtaja; Göran Wikström, sv, servicechef",
        elected="Hanna Aaltonen, fi, valtuutettu",
    ),
    _town(
        "478",
        "mariehamn",
        officeholders="Linnea Eriksson, sv, stadssekreterare",
        elected="Mats Karlsson, sv, ledamot i fullmäktige",
    ),
    _town(
        "272",
        "kokkola",
        officeholders="Timo Rautio, fi, hallintojohtaja; Susanne Enqvist, sv, personalchef",
        elected="Marja Hautala, fi, valtuutettu",
    ),
    _town(
        "148",
        "inari",
        officeholders="Elli Morottaja, fi, hallintopäällikkö",
        elected="Juha Kangas, fi, valtuutettu",
        outcome="declined",
    ),
    _town(
        "564",
        "oulu",
        officeholders="Katri Rantala, fi, kehitysjohtaja",
        elected="Risto Pohjola, fi, valtuutettu",
        outcome="negotiating",
    ),
)

# People without an organisation in the network, who come to what is open to everyone.
PUBLIC = (
    Person(given_name="Olavi", family_name="Niskanen", role="other", language="fi", home="tutkimus"),
    Person(given_name="Ebba", family_name="Sandström", role="other", language="sv", home="forskning"),
    Person(given_name="Fiona", family_name="MacLeod", role="other", language="en", home="research"),
)

# The one whose season is shown in full, which plans two workshops.
SHOWN_IN_FULL = "211"

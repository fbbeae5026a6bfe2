"""A public page of a season's members by region, as HTML and JSON. Known from the topics alone; nobody stands in it.

KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 python examples/public_member_list.py public --season 7 [--once]
"""

import argparse
import json
from html import escape
from pathlib import Path

from reading import State, follow

SEASONS = "uso.enrolment.seasons.v1"
ORGANISATIONS = "uso.enrolment.organisations.v1"
ENROLMENTS = "uso.enrolment.enrolments.v1"
MEMBERS = ("enrolled", "active", "completed")


def members_by_region(known: dict[str, dict[str, State]], number: int, language: str) -> dict[str, list[str]]:
    """Region → names, both in order. An organisation without a region stands under an empty one."""
    seasons = {state["id"] for state in known[SEASONS].values() if state["number"] == number}
    regions: dict[str, list[str]] = {}
    for enrolment in known[ENROLMENTS].values():
        organisation = known[ORGANISATIONS].get(enrolment["organisation_id"])
        if organisation and enrolment["season_id"] in seasons and enrolment["state"] in MEMBERS:
            region = in_language(organisation["region"], language)
            regions.setdefault(region, []).append(in_language(organisation["name"], language))
    return {region: sorted(regions[region]) for region in sorted(regions)}


def in_language(text: dict[str, str] | None, language: str) -> str:
    """The text in this language, else in another one."""
    return (text or {}).get(language) or next(iter((text or {}).values()), "")


def page(regions: dict[str, list[str]], title: str, language: str) -> str:
    rows = [
        f"<h2>{escape(region)}</h2>\n<ul>\n" + "\n".join(f"<li>{escape(name)}</li>" for name in names) + "\n</ul>"
        for region, names in regions.items()
    ]
    return "\n".join(
        [
            f'<!doctype html>\n<html lang="{language}">',
            f'<head><meta charset="utf-8"><title>{escape(title)}</title></head>',
            f"<body>\n<h1>{escape(title)}</h1>",
            *rows,
            "</body>\n</html>\n",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes the members of a season by region.")
    parser.add_argument("directory", type=Path, help="where members.html and members.json are written")
    parser.add_argument("--season", type=int, required=True, help="its number")
    parser.add_argument("--language", choices=("fi", "sv", "en"), default="fi")
    parser.add_argument("--once", action="store_true", help="end when everything up to now has been read")
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    for known in follow(SEASONS, ORGANISATIONS, ENROLMENTS, once=options.once):
        regions = members_by_region(known, options.season, options.language)
        text = json.dumps({"season": options.season, "members": regions}, ensure_ascii=False, indent=2)
        title = f"USO {options.season}"
        (options.directory / "members.json").write_text(text, encoding="utf-8")
        (options.directory / "members.html").write_text(page(regions, title, options.language), encoding="utf-8")


if __name__ == "__main__":
    main()

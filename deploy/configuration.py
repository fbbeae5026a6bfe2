"""Writes the tables of docs/configuration.md from the settings in the code: `python -m deploy.configuration`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.events.settings import RetentionSettings
from services.notifications.settings import MailSettings
from services.notifications.webhook_settings import WebhookSettings
from shared.environment import FILE_SUFFIX, FromEnvironment, Variable, variables
from shared.settings import Settings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
TABLES: dict[str, type[FromEnvironment]] = {
    "settings": Settings,
    "guests": RetentionSettings,
    "mail": MailSettings,
    "webhooks": WebhookSettings,
}


def filled(page: str) -> str:
    """The page with each table between its marks (`<!-- settings -->` … `<!-- /settings -->`) made again."""
    for name, settings in TABLES.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        head, _, rest = page.partition(begin)
        _, _, tail = rest.partition(end)
        page = f"{head}{begin}{_table(settings)}{end}{tail}"
    return page


def _table(settings: type[FromEnvironment]) -> str:
    rows = (_row(variable) for _, variable in variables(settings))
    return "\n".join(["| variable | default | what it is |", "|---|---|---|", *rows]) + "\n"


def _row(variable: Variable) -> str:
    return f"| {', '.join(_names(variable))} | {_default(variable)} | {variable.about.replace('|', chr(92) + '|')} |"


def _names(variable: Variable) -> Iterator[str]:
    yield f"`{variable.name}`"
    if variable.secret:
        yield f"`{variable.name}{FILE_SUFFIX}`"


def _default(variable: Variable) -> str:
    if variable.is_needed:
        return "needed"
    if variable.needed_by:
        return f"needed by {' and '.join(variable.needed_by)}"
    return _shown(variable.default)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        value = ",".join(value)
    text = "" if value is None else str(value)
    return f"`{text.lower() if isinstance(value, bool) else text}`" if text else "none"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))

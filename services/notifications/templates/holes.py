"""Which values of a text differ from recipient to recipient and can be put in after it was rendered. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jinja2 import Environment, nodes

NAMES = ("contact.given_name", "contact.family_name", "organisation.name")
LINKS = ("registration.manage_url", "preferences_url", "invitation.url", "certificate.url")
PERSONAL = (*NAMES, *LINKS)
# A use of one of these by itself, without one of its values, is more than showing a value.
GROUPS = frozenset({"contact", "registration", "invitation", "certificate"})
# In Markdown, what stands beside a value may change what it means: `&{{ name }};` is an entity for some names.
# Beside these it means the same for every name that begins and ends with a letter.
_BEFORE_A_NAME, _AFTER_A_NAME = frozenset(" \n*("), frozenset(" \n*.,!?:)")
_BEFORE_A_LINK, _AFTER_A_LINK = "](", ")"


@dataclass(frozen=True, kw_only=True)
class Holes:
    """`fillable` are the personal values that a text just shows; `fixed` is False when it does more with some."""

    fillable: frozenset[str]
    fixed: bool


def find_holes(environment: Environment, subject: str, body: str) -> Holes:
    """The personal values of a text that was checked."""
    used = [
        *_uses(environment.parse(subject), in_markdown=False),
        *_uses(environment.parse(body), in_markdown=True),
    ]
    shown = {path for path, plainly in used if plainly}
    return Holes(fillable=frozenset(shown), fixed=all(plainly for _, plainly in used))


def _uses(tree: nodes.Template, *, in_markdown: bool) -> Iterator[tuple[str, bool]]:
    """Each use of a personal value, and whether it is just shown, or asked whether it is there."""
    plain: set[int] = set()
    for output in tree.find_all(nodes.Output):
        for place, node in enumerate(output.nodes):
            path = _path(node)
            if path in PERSONAL and (not in_markdown or _stands_apart(output.nodes, place, path)):
                plain.add(id(node))
    plain |= {id(condition.test) for condition in tree.find_all(nodes.If)}
    inside = {id(node.node) for node in tree.find_all(nodes.Getattr)}
    for node in tree.find_all((nodes.Getattr, nodes.Name)):
        path = _path(node)
        if path in PERSONAL:
            yield path, id(node) in plain
        elif isinstance(node, nodes.Name) and id(node) not in inside and node.name in GROUPS:
            yield node.name, False


def _stands_apart(around: Sequence[nodes.Node], place: int, path: str) -> bool:
    before, after = _data(around, place - 1), _data(around, place + 1)
    if path in LINKS:
        return before.endswith(_BEFORE_A_LINK) and after.startswith(_AFTER_A_LINK)
    return before[-1:] in _BEFORE_A_NAME and after[:1] in _AFTER_A_NAME and bool(before and after)


def _data(around: Sequence[nodes.Node], place: int) -> str:
    node = around[place] if 0 <= place < len(around) else None
    return node.data if isinstance(node, nodes.TemplateData) else ""


def _path(node: nodes.Node) -> str:
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return f"{node.node.name}.{node.attr}"
    return ""

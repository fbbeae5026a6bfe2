"""The part of Jinja for texts: the placeholders of a key, `{% if %}`, `{% for %}` over a list, a few filters.

All other parts of Jinja are refused when a text is saved. So a text cannot call functions, count or nest loops, and
rendering takes time and memory in proportion to the text's length: nothing is computed at compile time, and no filter
makes its value longer. The sandbox is the second line of defence.
"""

from collections.abc import Iterator, Sequence

from jinja2 import Environment, TemplateSyntaxError, nodes

from services.notifications.templates.context import Placeholder
from services.notifications.templates.errors import BadSyntax, UnknownPlaceholder

FILTERS = frozenset({"capitalize", "default", "first", "join", "last", "length", "lower", "trim", "upper"})
# These filters take a list. Of a text they would take each letter, and so make long values longer.
OF_LISTS = frozenset({"join"})
# At the worst each is a value of 20,000 characters: 40 MB for one mail.
MAX_NODES = 2_000
TESTS = frozenset({"defined", "none"})
LOOP = tuple(f"loop.{name}" for name in ("index", "first", "last", "length"))
_ALLOWED = (
    *(nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.Getattr, nodes.If, nodes.For),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.CondExpr, nodes.Concat),
    *(nodes.Filter, nodes.Test),
)


def check(environment: Environment, field: str, source: str, known: Sequence[Placeholder]) -> list[UnknownPlaceholder]:
    """The unknown placeholders in `source`, in order. Raises BadSyntax with the line."""
    try:
        tree = environment.parse(source)
    except TemplateSyntaxError as error:
        raise BadSyntax(field, error.lineno, f"{error.message}.") from error
    except (ValueError, OverflowError) as error:  # a number of thousands of digits
        raise BadSyntax(field, 1, "there is a number in it that is too long.") from error
    except RecursionError as error:
        raise BadSyntax(field, 1, "too deeply nested.") from error
    try:
        if sum(1 for _ in tree.find_all(nodes.Node)) > MAX_NODES:
            raise BadSyntax(field, 1, "it has too many placeholders and conditions.")
        return list(_Check(field, known).unknown_in(tree.body, {}))
    except RecursionError as error:
        raise BadSyntax(field, 1, "too deeply nested.") from error


class _Check:
    def __init__(self, field: str, known: Sequence[Placeholder]) -> None:
        self.field = field
        self.names = tuple(placeholder.name for placeholder in known)
        self.many = frozenset(placeholder.name for placeholder in known if placeholder.many)

    def unknown_in(self, body: Sequence[nodes.Node], bound: dict[str, None]) -> Iterator[UnknownPlaceholder]:
        """`bound` holds the names that a surrounding loop has introduced."""
        for node in body:
            self._refuse_the_forbidden(node)
            self._refuse_what_grows(node)
            path = _path(node)
            if path is not None:
                if path not in self.names and path not in bound:
                    yield self._unknown(path, node)
            elif isinstance(node, nodes.For):
                yield from self._unknown_in_loop(node, bound)
            else:
                yield from self.unknown_in(list(node.iter_child_nodes()), bound)

    def _unknown_in_loop(self, loop: nodes.For, bound: dict[str, None]) -> Iterator[UnknownPlaceholder]:
        path = _path(loop.iter)
        if bound:
            raise self._bad(loop, "a loop within a loop is not possible here.")
        if not isinstance(loop.target, nodes.Name) or loop.test is not None or loop.recursive:
            raise self._bad(loop, "a loop is written {% for item in list %}.")
        if loop.target.name in {name.partition(".")[0] for name in self.names} | {"loop"}:
            raise self._bad(loop, f"{loop.target.name} is taken; give the loop's variable another name.")
        if path is None or (path in self.names and path not in self.many):
            raise self._bad(loop, "a loop goes through a placeholder that is a list.")
        if path not in self.names:
            yield self._unknown(path, loop.iter)
        yield from self.unknown_in(loop.body, dict.fromkeys((loop.target.name, *LOOP)))
        yield from self.unknown_in(loop.else_, bound)

    def _refuse_the_forbidden(self, node: nodes.Node) -> None:
        if not isinstance(node, _ALLOWED):
            raise self._bad(node, f"{type(node).__name__} cannot be used in a text.")
        if isinstance(node, nodes.Getattr) and _path(node) is None:
            raise self._bad(node, f".{node.attr} can follow the name of a placeholder only.")
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise self._bad(node, f"there is no filter {node.name} here. There are: {', '.join(sorted(FILTERS))}.")
        if isinstance(node, nodes.Test) and node.name not in TESTS:
            raise self._bad(node, f"there is no test {node.name} here. There are: {', '.join(sorted(TESTS))}.")

    def _refuse_what_grows(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.Filter) and node.name in OF_LISTS:
            path = _path(node.node) if node.node is not None else None
            if path is None or (path in self.names and path not in self.many):
                raise self._bad(node, f"{node.name} goes through a placeholder that is a list.")
            if any(
                not isinstance(given, nodes.Const)
                for given in [*node.args, *(keyword.value for keyword in node.kwargs)]
            ):
                raise self._bad(node, f"{node.name} takes a text in quotation marks.")

    def _unknown(self, path: str, node: nodes.Node) -> UnknownPlaceholder:
        return UnknownPlaceholder(field=self.field, placeholder=path, line=node.lineno, known=self.names)

    def _bad(self, node: nodes.Node, why: str) -> BadSyntax:
        return BadSyntax(self.field, node.lineno, why)


def _path(node: nodes.Node) -> str | None:
    """`event.when` for a name with its attributes; None for anything else."""
    if isinstance(node, nodes.Name):
        return str(node.name)
    if isinstance(node, nodes.Getattr):
        before = _path(node.node)
        return None if before is None else f"{before}.{node.attr}"
    return None

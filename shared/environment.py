"""Settings as dataclasses: each field names its environment variable, once for the code, the docs and the tests."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar, get_type_hints

from environs import Env, EnvError, FileAwareEnv

Read = TypeVar("Read", bound="FromEnvironment")

FILE_SUFFIX = "_FILE"
_NEEDED = object()


@dataclass(frozen=True, kw_only=True)
class Variable:
    """The environment variable of one setting; `example` is the value for tests where there is no default."""

    name: str
    about: str
    default: Any
    example: Any
    secret: bool
    needed_by: Sequence[str]
    parse: Callable[[str], Any] | None
    check: Callable[[Any], Any] | None

    @property
    def is_needed(self) -> bool:
        return self.default is _NEEDED


def setting(
    name: str,
    default: Any = _NEEDED,
    *,
    about: str,
    example: Any = None,
    secret: bool = False,
    needed_by: Sequence[str] = (),
    parse: Callable[[str], Any] | None = None,
    check: Callable[[Any], Any] | None = None,
) -> Any:
    """A field of a `FromEnvironment` dataclass, read from the variable `name` or the file that `name`_FILE names.

    The field's type says how the text is read (`str`, `int`, `float`, `bool`, `list[str]`), unless `parse` does.
    `parse` raises ValueError, and `check` marshmallow's ValidationError, for a value that is wrong. `needed_by` names
    the services that need a value, although the others have a default. `repr` does not show a secret.
    """
    variable = Variable(
        name=name,
        about=about,
        default=default,
        example=example,
        secret=secret,
        needed_by=needed_by,
        parse=parse,
        check=check,
    )
    given: dict[str, Any] = {} if default is _NEEDED else {"default_factory": lambda: default}
    return field(metadata={"variable": variable}, repr=not secret, **given)


class FromEnvironment:
    """The base of a dataclass of settings. Fields that are no `setting` are given to `read` by name."""

    @classmethod
    def read(cls: type[Read], env: Env | None = None, **given: Any) -> Read:
        """The settings from the environment. Raises SystemExit with a sentence that names the wrong variable."""
        source = env or FileAwareEnv(file_suffix=FILE_SUFFIX, strip_whitespace=True)
        hints = get_type_hints(cls)
        try:
            read = {
                found.name: _read(source, hints[found.name], variable, given.get("service", ""))
                for found, variable in variables(cls)
            }
            return cls(**read, **given)
        except (EnvError, ValueError) as error:
            raise SystemExit(f"Configuration: {error}. See docs/configuration.md.") from error

    @classmethod
    def for_tests(cls: type[Read], **changes: Any) -> Read:
        """Defaults, examples where a value is needed, and `changes`: a new setting needs no change in any test."""
        usual = {
            found.name: variable.default if variable.example is None else variable.example
            for found, variable in variables(cls)
        }
        return cls(**(usual | changes))


def variables(settings: type[FromEnvironment]) -> Iterator[tuple[Field[Any], Variable]]:
    """The fields that come from the environment, in the order of their class."""
    for found in fields(settings):  # type: ignore[arg-type]
        if "variable" in found.metadata:
            yield found, found.metadata["variable"]


def _read(env: Env, kind: Any, variable: Variable, service: str) -> Any:
    name = variable.name
    if name in os.environ and name + FILE_SUFFIX in os.environ:
        raise EnvError(f'"{name}" and "{name}{FILE_SUFFIX}" are both set: give one of them')
    needed = variable.is_needed or service in variable.needed_by
    if not needed and not {name, name + FILE_SUFFIX} & os.environ.keys():
        return variable.default
    if not variable.parse:
        readers: dict[Any, Callable[..., Any]] = {
            str: env.str,
            int: env.int,
            float: env.float,
            bool: env.bool,
            list[str]: env.list,
        }
        value = readers[kind](name, validate=variable.check)
    else:
        try:
            value = variable.parse(env.str(name))
        except EnvError:
            raise
        except ValueError as error:
            raise EnvError(f'Environment variable "{name}" invalid: {error}') from error
    if needed and value in ("", []):
        raise EnvError(f'Environment variable "{name}" is empty')
    return value

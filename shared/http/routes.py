"""Routes: a schema for the input, a command, a schema for the answer."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar

from flask_smorest import Blueprint
from marshmallow import EXCLUDE, RAISE, Schema, fields

from shared.errors import NotFound
from shared.http.bodies import BodyParser
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.database import Database

View = TypeVar("View", bound=Callable[..., Any])


class Routes(Blueprint):  # type: ignore[misc]
    """A flask-smorest blueprint with the habits of all our services."""

    ARGUMENTS_PARSER = BodyParser()

    def takes(self, schema: type[Schema] | Schema, **options: Any) -> Callable[[View], View]:
        """The JSON body, checked by `schema`; the view gets it as its first argument."""
        made = schema() if isinstance(schema, type) else schema  # the schema is made once, not for each request
        decorator: Callable[[View], View] = self.arguments(made, location="json", **options)
        return decorator

    def query(self, schema: type[Schema]) -> Callable[[View], View]:
        """The query string, checked by `schema`; the view gets it as its first argument.

        An unknown parameter is refused, except on public routes: mail programs and browsers add parameters.
        """
        unknown = EXCLUDE if str(self.url_prefix).startswith("/public") else RAISE
        decorator: Callable[[View], View] = self.arguments(schema(), location="query", unknown=unknown)
        return decorator

    def answers(
        self, schema: type[Schema] | Schema | None, status: int = 200, description: str | None = None
    ) -> Callable[[View], View]:
        """One resource: the view returns its document; the answer carries the ETag of its version."""
        respond = self.response(
            status, schema, description=description, headers={"ETag": {"schema": {"type": "string"}}}
        )

        def decorate(view: View) -> View:
            @wraps(view)
            def tagged(*args: Any, **kwargs: Any) -> Any:
                document = view(*args, **kwargs)
                if isinstance(document, dict) and "version" in document:
                    return document, {"ETag": f'"{document["version"]}"'}
                return document

            result: View = respond(tagged)
            return result

        return decorate

    def lists(self, schema: type[Schema]) -> Callable[[View], View]:
        """A list: the view returns a Page, or a dict with `items` and `next_cursor`."""
        decorator: Callable[[View], View] = self.response(200, _listing(schema))
        return decorator


@cache
def _listing(schema: type[Schema]) -> type[Schema]:
    """The shape of a list of `schema`, the same class each time: it has one name in the OpenAPI document."""
    return type(
        f"{schema.__name__.removesuffix('Schema')}List",
        (Schema,),
        {
            "items": fields.List(fields.Nested(schema), required=True),
            "next_cursor": fields.String(allow_none=True, required=True),
        },
    )


def load_one(db: Database, aggregate: Aggregate[Any], identifier: str) -> Document:
    """The document of a GET. Raises NotFound."""
    document = db[aggregate.collection].find_one({"_id": identifier})
    if document is None:
        raise NotFound(aggregate.name, identifier)
    return document

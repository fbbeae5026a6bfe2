"""/v1/segments"""

from typing import Any

from services.enrolment.contacts.schemas import Contact
from services.enrolment.contacts.store import CONTACTS
from services.enrolment.correcting_routes import add_delete, add_revert
from services.enrolment.segments import commands
from services.enrolment.segments.schemas import Segment, SegmentInput, SegmentQuery
from services.enrolment.segments.store import SEGMENTS
from shared.http.calls import database
from shared.http.listing import Sort
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes, load_one
from shared.mongo.paging import Page, page
from shared.schemas import PageQuery
from shared.segments import members_query

routes = Routes("segments", __name__, url_prefix="/v1", description="Saved questions over contacts")

segments = ResourceRoutes(routes=routes, path="/segments", aggregate=SEGMENTS, shown=Segment)
segments.create(SegmentInput, commands.create_segment, "Save a question over contacts")
segments.list(SegmentQuery, "List segments", filters=["name"], sorts={"name": Sort("name")})
segments.show("Show a segment")
segments.change(SegmentInput, commands.change_segment)
segments.history()
add_delete(segments)
add_revert(segments, SegmentInput, commands.change_segment)


@routes.get("/segments/<id>/members")
@routes.query(PageQuery)
@routes.lists(Contact)
def list_members(query: dict[str, Any], id: str) -> Page:
    """List the contacts whom the segment means today"""
    db = database()
    wanted = members_query(db.find, load_one(db, SEGMENTS, id))
    return page(db, CONTACTS.collection, wanted, limit=query["limit"], cursor=query["cursor"], bound_to=f"segment {id}")

"""/v1/seasons"""

from services.enrolment.correcting_routes import add_delete, add_revert
from services.enrolment.seasons import commands
from services.enrolment.seasons.schemas import Season, SeasonInput, SeasonQuery
from services.enrolment.seasons.store import SEASONS
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes

routes = Routes("seasons", __name__, url_prefix="/v1", description="The rounds of the network")

seasons = ResourceRoutes(routes=routes, path="/seasons", aggregate=SEASONS, shown=Season)
seasons.create(SeasonInput, commands.create_season, "Draft a season")
seasons.list(SeasonQuery, "List seasons", filters=["state"], counts=["state"])
seasons.show("Show a season")
seasons.change(SeasonInput, commands.change_season)
seasons.move(commands.move_season, "Open, start or close a season", role="manager")
seasons.history()
add_delete(seasons, commands.delete_season)
add_revert(seasons, SeasonInput, commands.change_season)

"""Settings that only webhooks have."""

from dataclasses import dataclass

from services.notifications.webhooks.addresses import Network, parse_networks
from shared.environment import FromEnvironment, setting


@dataclass(frozen=True, kw_only=True)
class WebhookSettings(FromEnvironment):
    """Where webhooks may go besides the internet."""

    allowed: list[Network] = setting(
        "WEBHOOK_ALLOWED_NETWORKS",
        [],
        parse=lambda text: parse_networks(text.split(",")),
        about="networks with commas (`10.1.0.0/16`) that webhooks may reach although they are not public, by http "
        "too; every other address that is private, link-local or special is refused",
    )

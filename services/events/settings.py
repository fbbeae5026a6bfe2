"""Settings of events alone."""

from dataclasses import dataclass

from environs import validate

from shared.environment import FromEnvironment, setting


@dataclass(frozen=True, kw_only=True)
class RetentionSettings(FromEnvironment):
    """How long events keeps what people who are no contacts gave of themselves."""

    guests_days: int = setting(
        "GUESTS_KEPT_DAYS",
        400,
        check=validate.Range(min=1, max=36500),
        about="how many days after an event the name, address, answers and comment of a person who is no contact are "
        "kept; the figures of the event stay",
    )

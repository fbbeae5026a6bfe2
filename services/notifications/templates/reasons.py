"""What the foot of each mail says: why its reader got it. Pure."""

from collections.abc import Mapping

ByLanguage = Mapping[str, str]

REGISTERED: ByLanguage = {
    "fi": "Saat tämän viestin, koska sinä tai organisaatiosi on ilmoittanut sinut tilaisuuteen.",
    "sv": "Du får det här meddelandet eftersom du eller din organisation har anmält dig till evenemanget.",
    "en": "You get this message because you, or your organisation, registered you for the event.",
}
INVITED: ByLanguage = {
    "fi": "Saat tämän viestin, koska sinut on kutsuttu tilaisuuteen.",
    "sv": "Du får det här meddelandet eftersom du är inbjuden till evenemanget.",
    "en": "You get this message because you are invited to the event.",
}
GAVE_THE_ADDRESS: ByLanguage = {
    "fi": "Saat tämän viestin, koska joku antoi tämän osoitteen ilmoittautuessaan tilaisuuteen. "
    "Jos se et ollut sinä, sinun ei tarvitse tehdä mitään.",
    "sv": "Du får det här meddelandet eftersom någon uppgav den här adressen vid anmälan till evenemanget. "
    "Om det inte var du behöver du inte göra någonting.",
    "en": "You get this message because somebody gave this address when they registered for the event. "
    "If it was not you, there is nothing that you need to do.",
}
CONTACT_OF_THE_ENROLMENT: ByLanguage = {
    "fi": "Saat tämän viestin, koska olet organisaatiosi yhteyshenkilö verkostossa.",
    "sv": "Du får det här meddelandet eftersom du är din organisations kontaktperson i nätverket.",
    "en": "You get this message because you are your organisation's contact in the network.",
}
TAKES_PART: ByLanguage = {
    "fi": "Saat tämän viestin, koska olet mukana verkoston toiminnassa.",
    "sv": "Du får det här meddelandet eftersom du deltar i nätverkets verksamhet.",
    "en": "You get this message because you take part in the network's activities.",
}
HAS_THE_TASK: ByLanguage = {
    "fi": "Saat tämän viestin, koska tehtävä on sinun.",
    "sv": "Du får det här meddelandet eftersom uppgiften är din.",
    "en": "You get this message because the task is yours.",
}
LOOKS_AFTER_THE_WEBHOOK: ByLanguage = {
    "fi": "Saat tämän viestin, koska olet rekisteröinyt webhookin tai muuttanut sitä.",
    "sv": "Du får det här meddelandet eftersom du har registrerat eller ändrat webhooken.",
    "en": "You get this message because you have registered or changed the webhook.",
}
CHOSE_THE_DIGEST: ByLanguage = {
    "fi": "Saat tämän viestin, koska olet tilannut koosteen.",
    "sv": "Du får det här meddelandet eftersom du har beställt sammandraget.",
    "en": "You get this message because you have chosen to get the digest.",
}
OTHERS = {
    "enrolment_received": CONTACT_OF_THE_ENROLMENT,
    "enrolment_confirmed": CONTACT_OF_THE_ENROLMENT,
    "workshop_confirmed": CONTACT_OF_THE_ENROLMENT,
    "workshop_refused": CONTACT_OF_THE_ENROLMENT,
    "confirm_address": GAVE_THE_ADDRESS,
    "invitation": INVITED,
    "invitation_reminder": INVITED,
    "announcement": TAKES_PART,
    "task_overdue": HAS_THE_TASK,
    "webhook_stopped": LOOKS_AFTER_THE_WEBHOOK,
    "digest": CHOSE_THE_DIGEST,
}


def why_you_got_it(template: str, language: str) -> str:
    """The sentence for the foot of this template's mails. Raises KeyError for an unknown language."""
    return OTHERS.get(template, REGISTERED)[language]

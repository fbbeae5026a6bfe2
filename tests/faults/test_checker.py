"""The checker itself: silent on a world that is whole, and red for each thing that can go wrong in it."""

from collections.abc import Iterable
from dataclasses import replace

from tests.faults import builders as a
from tests.faults.builders import World
from tests.faults.checker import check
from tests.faults.observed import Mail, Observed

LOST = "every committed change is on its topic (lost)"
DOUBLED = "no message is on a topic twice (doubled)"
ORDER = "the versions of each key ascend (out of order)"
LAST = "the last record of each key is the document in the database"
DEAD = "dead letters are the poisoned records, once for each reader, and nothing else"
AGAIN = "a mail came once; again only where its outcome was unknown"


def broken(observed: Observed) -> set[str]:
    return {verdict.name for verdict in check(observed) if verdict.broken}


def records_without(world: World, index: int) -> Iterable[object]:
    return [*world.records[:index], *world.records[index + 1 :]]


def test_a_world_that_is_whole_breaks_nothing_and_is_looked_at() -> None:
    verdicts = check(a.good().observed())
    assert [verdict for verdict in verdicts if verdict.broken] == []
    assert len([verdict for verdict in verdicts if verdict.examined]) >= 20


def test_a_lost_message_is_found() -> None:
    world = a.good()
    assert LOST in broken(world.observed(records=records_without(world, 0)))


def test_a_lost_newest_message_is_found_twice_over() -> None:
    world = a.good()
    newest = max(index for index, record in enumerate(world.records) if record.key == "o")
    assert {LOST, LAST} <= broken(world.observed(records=records_without(world, newest)))


def test_a_doubled_message_is_found() -> None:
    world = a.good()
    assert DOUBLED in broken(world.observed(records=[*world.records, replace(world.records[-1], offset=99)]))


def test_a_message_that_nobody_committed_is_found() -> None:
    world = a.good()
    world.databases["enrolment"]["journal"].pop()
    assert "nothing is on a topic that was not committed" in broken(world.observed())


def test_a_swapped_order_is_found() -> None:
    world = a.good()
    first, second = (index for index, record in enumerate(world.records) if record.key == "o")
    world.records[first], world.records[second] = world.records[second], world.records[first]
    assert {ORDER, LAST} <= broken(world.observed())


def test_a_gap_in_the_versions_is_found() -> None:
    world = a.good()
    index = next(index for index, record in enumerate(world.records) if record.key == "o")
    row = world.records.pop(index).id
    for change in world.databases["enrolment"]["journal"]:
        if change["_id"] == row:
            del change["topic"]
    assert broken(world.observed()) == {"the versions of each key have no gap"}


def test_a_stale_copy_is_found() -> None:
    world = a.good()
    world.databases["events"]["copies"][0] |= {"name": "Aava", "sequence": 1}
    assert broken(world.observed()) == {"each copy in another service is the newest state"}


def test_a_missing_copy_is_found() -> None:
    world = a.good()
    world.databases["events"]["copies"].clear()
    assert broken(world.observed()) == {"each copy in another service is the newest state"}


def test_an_acknowledged_write_that_is_not_there_is_found() -> None:
    world = a.good()
    world.calls.append(a.done("nowhere", "enrolment", "organisation.created"))
    assert broken(world.observed()) == {"an acknowledged write is there, once"}


def test_a_write_that_was_done_twice_is_found() -> None:
    world = a.good()
    again = {**world.databases["enrolment"]["journal"][0], "_id": "again"}
    del again["topic"]
    world.databases["enrolment"]["journal"].append(again)
    assert broken(world.observed()) == {"an acknowledged write is there, once"}


def test_a_refused_write_that_is_there_all_the_same_is_found() -> None:
    world = a.good()
    world.calls[0].outcome = "refused"
    assert broken(world.observed()) == {"a refused write is not there"}


def test_a_call_of_unknown_outcome_is_not_passed_over() -> None:
    world = a.good()
    world.calls[0].outcome = "unknown"
    assert broken(world.observed()) == {"every call's outcome is known in the end"}


def test_an_error_of_ours_in_an_answer_is_found() -> None:
    assert broken(a.good().observed(statuses={200: 5, 503: 2, 500: 1})) == {"no answer is a 5xx other than 503"}


def test_an_oversold_seat_is_found() -> None:
    world = a.good()
    world.delivery(a.register(world, "r4", "confirmed", 4, "registration.created"), "registration_confirmed", "c4")
    world.databases["events"]["seats"][0]["taken"] = 2
    assert broken(world.observed()) == {"no event has more seats taken than there are"}


def test_more_people_than_seats_are_right_where_staff_let_somebody_in_from_the_waiting_list_at_the_door() -> None:
    world = a.good()
    at_the_door = {"from": "waitlisted", "to": "attended", "changed": {"live": {"from": True, "to": True}}}
    a.register(world, "r3", "attended", 3, "registration.transitioned", change=at_the_door)
    world.databases["events"]["seats"][0] |= {"taken": 2, "waiting": 0}
    assert broken(world.observed(lines={"e": []})) == set()


def test_a_count_of_seats_that_the_log_does_not_bear_out_is_found() -> None:
    world = a.good()
    world.databases["events"]["seats"][0]["taken"] = 0
    assert broken(world.observed()) == {"seats taken and people waiting are what the log says"}


def test_a_seat_that_nobody_was_given_is_found() -> None:
    world = a.good()
    a.register(world, "r2", "cancelled", 2, "registration.transitioned")
    world.databases["events"]["seats"][0]["taken"] = 0
    assert broken(world.observed()) == {"no seat is free while somebody waits"}


def test_somebody_who_jumped_the_queue_is_found() -> None:
    world = a.good()
    a.register(world, "r2", "cancelled", 2, "registration.transitioned")
    waiting = a.register(world, "r4", "waitlisted", 4, "registration.created")
    world.delivery(waiting, "registration_waitlisted", "c4")
    promoted = a.register(world, "r4", "confirmed", 4, "registration.promoted")
    world.delivery(promoted, "registration_promoted", "c4")
    assert broken(world.observed()) == {"nobody was let in before one who had waited longer"}


def test_a_hole_in_the_line_is_found() -> None:
    assert broken(a.good().observed(lines={"e": [1, 3]})) == {"the line of each event is 1, 2, 3 …"}


def test_a_person_who_is_registered_twice_is_found() -> None:
    world = a.good()
    facts = {"event_id": "e", "contact_id": "c3", "queue_number": 4}
    registration = {"id": "r4", "state": "waitlisted", **facts}
    message = world.change(a.REGISTRATIONS, "registrations", "registration.created", **registration)
    world.delivery(message, "registration_waitlisted", "c3", "r4")
    world.databases["events"]["seats"][0]["waiting"] = 2
    assert broken(world.observed()) == {"nobody is registered twice"}


def test_days_that_were_reserved_twice_are_found() -> None:
    world = a.good()
    account = world.databases["enrolment"]["workshop_days"][0]
    account["ledger"].append(a.entry("reserved", 2, "w"))
    account["reserved"] = 4
    wanted = {"a workshop holds the days that its state calls for", "a workshop's request has one answer"}
    assert broken(world.observed()) == wanted


def test_a_sum_that_is_not_the_ledgers_is_found() -> None:
    world = a.good()
    world.databases["enrolment"]["workshop_days"][0]["reserved"] = 4
    assert broken(world.observed()) == {"an account of workshop days is the sum of its ledger"}


def test_a_second_enrolment_in_the_same_season_is_found() -> None:
    world = a.good()
    enrolments = world.databases["enrolment"]["enrolments"]
    enrolments.append({**enrolments[0], "_id": "n2"})
    assert broken(world.observed()) == {"an organisation is in a season once"}


def test_a_second_mail_is_found() -> None:
    world = a.good()
    assert broken(world.observed(mails=[*world.mails, world.mails[0]])) == {AGAIN}


def test_a_second_mail_whose_outcome_was_unknown_is_no_fault() -> None:
    world = a.good()
    delivery = world.databases["notifications"]["deliveries"][0]
    delivery["attempts"] = 2
    mails = [*world.mails, world.mails[0]]
    assert broken(world.observed(mails=mails, sent_again=frozenset({delivery["_id"]}))) == set()


def test_a_third_mail_after_two_attempts_is_found() -> None:
    world = a.good()
    delivery = world.databases["notifications"]["deliveries"][0]
    delivery["attempts"] = 2
    mails = [*world.mails, world.mails[0], world.mails[0]]
    assert broken(world.observed(mails=mails, sent_again=frozenset({delivery["_id"]}))) == {AGAIN}


def test_a_second_mail_under_another_message_id_is_found() -> None:
    world = a.good()
    mails = [*world.mails, Mail(message_id="<another@uso>", to=world.mails[0].to)]
    assert broken(world.observed(mails=mails)) == {"every mail is a sent delivery's"}


def test_a_mail_that_never_arrived_is_found() -> None:
    world = a.good()
    assert broken(world.observed(mails=world.mails[1:])) == {"every sent delivery is in the mailbox"}


def test_a_second_delivery_for_the_same_message_is_found() -> None:
    world = a.good()
    first = world.databases["notifications"]["deliveries"][0]
    world.delivery(first["because"]["message_id"], first["template"], first["contact_id"])
    wanted = {"each message led to one delivery for each rule and recipient", "no delivery is there twice"}
    assert broken(world.observed()) == wanted


def test_a_message_that_led_to_no_delivery_is_found() -> None:
    world = a.good()
    world.databases["notifications"]["deliveries"].pop()
    assert "each message led to one delivery for each rule and recipient" in broken(world.observed())


def test_a_dead_letter_that_nobody_poisoned_is_found() -> None:
    world = a.good()
    about = {"topic": a.ORGANISATIONS, "partition": "0", "offset": "0"}
    world.databases["notifications"]["dead_letters"].append({"_id": "l", "about": about})
    assert broken(world.observed()) == {DEAD}


def test_poison_that_no_reader_set_apart_is_found() -> None:
    world = a.good()
    assert broken(world.observed(records=[*world.records, a.poison(a.ORGANISATIONS, offset=99)])) == {DEAD}


def test_poison_that_each_reader_set_apart_is_no_fault() -> None:
    world = a.good()
    world.records.append(a.poison(a.ORGANISATIONS, offset=99))
    a.dead_letter(world, world.records[-1])
    assert broken(world.observed()) == set()


def test_a_dead_letter_that_was_lost_on_its_way_is_found() -> None:
    world = a.good()
    world.records.append(a.poison(a.ORGANISATIONS, offset=99))
    a.dead_letter(world, world.records[-1])
    world.records.pop()
    assert broken(world.observed()) == {LOST}


def test_what_a_foreigner_repeats_on_a_topic_is_not_the_owners_fault() -> None:
    world = a.good()
    again = replace(world.records[0], offset=99, headers={"foreign": "again"})
    assert broken(world.observed(records=[*world.records, again])) == set()

"""How long each periodic task of the worker may rest when it has found nothing to do, in seconds, and why.

After work a task goes on at once, and some tasks follow the work of their own worker at once. So these figures are the
delay of what another worker or the clock has made due, and what an idle worker costs: each look is a query.
"""

# What is queued by the same worker is sent at once. A person at a screen does not notice a quarter of a second.
MAIL = 0.25
# A fan-out of changes waits two minutes for more of them; after a cancellation half a second is not noticed.
FAN_OUT = 0.5
# A manager who has pressed the button sees "sending" in the same second; the mails take minutes.
ANNOUNCEMENTS = 0.5
# A projection that another topic brings is usually there within half a second, and the message is tried again then.
WAITING_MESSAGES = 0.5
# Receivers of webhooks are other systems, which are called within a second.
WEBHOOKS = 0.5
# What is scheduled is due minutes or days after it was made, and nobody notices a second then.
DUE_DELIVERIES, REMINDERS = 1.0, 1.0
DIGESTS, OVERDUE_TASKS = 30.0, 300.0
# A bounce took minutes on its way; a metric is read every fifteen seconds; texts are kept for months.
BOUNCES, OLDEST_DELIVERY, OLD_TEXTS = 5.0, 5.0, 60.0

"""How long each periodic task of the worker may rest when it has found nothing to do, in seconds, and why.

After work a task goes on at once, so these figures are only the delay of the first thing after a pause, and what an
idle worker costs: each look is a query.
"""

# A person waits at a screen for a confirmation. All other mails wait for seconds or more anyway.
URGENT_MAIL, OTHER_MAIL = 0.05, 0.25
# A fan-out of changes waits two minutes for more of them; after a cancellation half a second is not noticed.
FAN_OUT = 0.5
# A manager who has pressed the button sees "sending" in the same second; the mails take minutes.
ANNOUNCEMENTS = 1.0
# A projection that another topic brings is usually there within half a second, and the message is tried again then.
WAITING_MESSAGES = 0.5
# Receivers of webhooks are other systems, which are told within a second.
WEBHOOKS = 0.5
# What is scheduled is due minutes or days after it was made, and nobody notices a second then.
DUE_DELIVERIES, REMINDERS = 1.0, 1.0
DIGESTS, OVERDUE_TASKS = 30.0, 300.0
# A bounce took minutes on its way; a metric is read every fifteen seconds; texts are kept for months.
BOUNCES, OLDEST_DELIVERY, OLD_TEXTS = 5.0, 5.0, 60.0

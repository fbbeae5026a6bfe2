"""Mails over kept connections with nothing around them: what a sender could do at most."""

import os
import pickle
import smtplib
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

Mail = tuple[str, str, bytes]
CONNECTIONS = 2


def run() -> None:
    """Waits for a line on standard input, then sends the mails of the file `BENCH_MAILS` to `SMTP_URL`."""
    mails: list[Mail] = pickle.loads(Path(os.environ["BENCH_MAILS"]).read_bytes())
    address = urlsplit(os.environ["SMTP_URL"])
    portions = [mails[number::CONNECTIONS] for number in range(CONNECTIONS)]
    threads = [threading.Thread(target=_send, args=(address.hostname, address.port, portion)) for portion in portions]
    sys.stdin.readline()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _send(host: str, port: int, mails: Sequence[Mail]) -> None:
    with smtplib.SMTP(host, port) as smtp:
        for sender, recipient, content in mails:
            smtp.sendmail(sender, [recipient], content)

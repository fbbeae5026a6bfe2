"""An SMTP server that writes each e-mail into a directory: `python -m deploy.local.mailcatcher DIR PORT`."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.ports import HOST

MAX_BYTES = 20_000_000


class Catcher:
    """aiosmtpd's handler: an e-mail is whole when its `.eml` appears, before the sender hears `250`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.count = 0

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.count += 1
        name = f"{time.time_ns():020d}-{os.getpid()}-{self.count:06d}"
        partial = self.directory / f"{name}.partial"
        partial.write_bytes(envelope.original_content or b"")
        partial.rename(self.directory / f"{name}.eml")
        return "250 OK"


async def serve(directory: Path, port: int) -> None:
    """Takes e-mails until SIGTERM or SIGINT."""
    directory.mkdir(parents=True, exist_ok=True)
    handler = Catcher(directory)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def session() -> SMTP:
        return SMTP(handler, hostname="mail.example", enable_SMTPUTF8=True, data_size_limit=MAX_BYTES, loop=loop)

    server = await loop.create_server(session, HOST, port)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))

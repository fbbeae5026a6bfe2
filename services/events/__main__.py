"""`python -m services.events api|worker|relay`"""

import sys

from services.events.app import run_api_process, run_relay_process, run_worker_process
from shared.processes import main

if __name__ == "__main__":
    main(sys.argv[1:], {"api": run_api_process, "worker": run_worker_process, "relay": run_relay_process})

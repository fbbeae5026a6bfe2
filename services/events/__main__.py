"""`python -m services.events api|worker|relay`"""

import sys

from services.events.app import SERVICE

if __name__ == "__main__":
    SERVICE.run(sys.argv[1:])

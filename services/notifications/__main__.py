"""`python -m services.notifications api|worker|relay`"""

import sys

from services.notifications.app import SERVICE

if __name__ == "__main__":
    SERVICE.run(sys.argv[1:])

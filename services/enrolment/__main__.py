"""`python -m services.enrolment api|worker|relay`"""

import sys

from services.enrolment.app import SERVICE

if __name__ == "__main__":
    SERVICE.run(sys.argv[1:])

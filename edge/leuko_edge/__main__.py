"""`python -m leuko_edge` is `leuko-edge`."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())

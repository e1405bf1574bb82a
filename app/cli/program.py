"""`python -m app.cli.program`: the command line, for those who start it without its console script."""

import sys

from app.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())

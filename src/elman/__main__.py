"""`python -m elman`: the command line, where its program is not on the PATH."""

import sys

from elman.cli.main import main

sys.exit(main())

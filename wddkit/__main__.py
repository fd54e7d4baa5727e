"""`python -m wddkit`: the command line."""

import sys

from wddkit.cli import main

sys.exit(main())

"""`python -m geotool`."""

import sys

from geotool.cli import main

sys.exit(main())

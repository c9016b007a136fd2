"""`python -m compliance.package RUN…`"""

from __future__ import annotations

import sys

from compliance.package.cli import main

if __name__ == "__main__":
    sys.exit(main())

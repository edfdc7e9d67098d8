"""The Action's only step: its surroundings go in, its exit code comes out."""

from __future__ import annotations

import os
import sys

from previewcloud.run import main

if __name__ == "__main__":
    sys.exit(main(os.environ))

"""`python -m trainer`."""

import os
import sys

from trainer.command import main

if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: everything is written and synced, and taking gloo's connections apart can hang.
    os._exit(code)

"""`python3 -m dcportal.setup run|environments|trainer|service`: what the Makefile calls, stdlib only.

Starts under the system's Python, before any environment exists, so this file must also parse under old ones.
"""

import sys

OLDEST, NEWEST = (3, 11), (3, 13)


def refuse_wrong_python() -> None:
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.exit(
            "dcportal needs Python 3.11 to 3.13; this is %d.%d.\n"  # noqa: UP031
            "    sudo apt-get install -y python3.11 python3.11-venv\n"
            "Then: make run PYTHON=python3.11" % sys.version_info[:2]
        )


if __name__ == "__main__":
    refuse_wrong_python()
    from dcportal.setup.commands import main

    sys.exit(main(sys.argv[1:]))

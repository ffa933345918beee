"""Process 1 of a namespace made by `unshare`: starts the program, reaps orphans, ends with its code.

Run by path, with nothing but the standard library: `python -I -S init.py DESCRIPTOR PROGRAM [ARGUMENT ...]`.
The kernel kills whatever is left inside when it ends.
"""

import ctypes
import json
import os
import sys

NAME = b"dcp-init"
_PR_SET_NAME = 15


def main(argv: list[str]) -> int:
    """Exit code of the program, 128 + n for signal n, 127 when it could not be started."""
    with open(int(argv[0]), "rb") as file:
        wanted = json.loads(file.read().decode("utf-8", "surrogateescape"))
    ctypes.CDLL(None).prctl(_PR_SET_NAME, NAME, 0, 0, 0)
    child = os.fork()
    if child == 0:
        _become(argv[1:], wanted)
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _become(argv: list[str], wanted: dict[str, object]) -> None:
    """Turn into the program. Never returns."""
    try:
        os.chdir(str(wanted["cwd"]))
        env = wanted["env"]
        assert isinstance(env, dict)
        os.execvpe(argv[0], argv, env)
    except OSError as error:
        os.write(2, f"cannot start {argv[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Programs that tests launch, as Python text. Each prints `up` once it is as far as the test needs."""

WAITS = "import time; print('up', flush=True); time.sleep(600)"

# Ignores SIGTERM, forks twice, leaves session and process group, wipes nothing: the classic daemon.
DAEMON = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    print("up", flush=True)
    time.sleep(600)
time.sleep(600)
"""

# The same, but the parent ends well at once and the daemon stays.
LEAVES_A_DAEMON = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open(os.environ["DCP_RUN_DIR"] + "/daemon", "w").write(str(os.getpid()))
    time.sleep(600)
while not os.path.exists(os.environ["DCP_RUN_DIR"] + "/daemon"):
    time.sleep(0.01)
"""

# A daemon that starts anew with an empty environment: no tag is left on it.
# The argument appears on its command line.
UNTAGGED_DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    code = "import time; print('up', flush=True); time.sleep(600)"
    os.execve(sys.executable, [sys.executable, "-c", code, sys.argv[1]], {})
time.sleep(600)
"""

SAVES_ON_TERM = """
import signal, sys, time
def save(*_):
    print("saved", flush=True)
    sys.exit(75)
signal.signal(signal.SIGTERM, save)
print("up", flush=True)
time.sleep(600)
"""

RANKS = """
import os, sys, time
import torch, torch.distributed as dist
dist.init_process_group("gloo")
rank = dist.get_rank()
total = torch.full((4,), float(rank + 1))
dist.all_reduce(total)
print(f"rank {rank} of {dist.get_world_size()} sum {total[0].item():g} args {sys.argv[1:]}", flush=True)
if "fail" in sys.argv and rank == 1:
    sys.exit(7)
if "wait" in sys.argv:
    time.sleep(600)
dist.barrier()
dist.destroy_process_group()
"""

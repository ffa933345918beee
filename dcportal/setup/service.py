"""`make service`: the portal as a systemd unit of this user, so that closing the terminal stops nothing.

Without a user's systemd (containers, some clusters) it is started detached instead, and that is said.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from dcportal import env
from dcportal.setup import client, environments, places

UNIT = "dcportal.service"
#: KillMode=process: stopping or upgrading the portal never kills the runners of jobs.
TEMPLATE = """\
[Unit]
Description=dcportal, control room of a GPU data centre
After=network-online.target

[Service]
WorkingDirectory={repository}
ExecStart={python} manage.py portal --prepare
EnvironmentFile=-{environment}
Restart=on-failure
RestartSec=5
KillMode=process
TimeoutStopSec=30

[Install]
WantedBy=default.target
"""
#: Settings of the present shell that the unit must know too.
PASSED_ON = ("DATABASE_URL", "REDIS_URL", "TORCH")


def main() -> int:
    """Install the portal's environment, then start it by systemd or detached."""
    environments.ensure(places.PORTAL_VENV, [places.PORTAL_REQUIREMENTS])
    client.install()
    if has_user_systemd():
        return install_unit()
    return start_detached()


def has_user_systemd() -> bool:
    if shutil.which("systemctl") is None:
        return False
    answer = subprocess.run(["systemctl", "--user", "show-environment"], capture_output=True)
    return answer.returncode == 0


def unit_text() -> str:
    return TEMPLATE.format(
        repository=places.REPOSITORY,
        python=places.python_of(places.PORTAL_VENV),
        environment=environment_file(),
    )


def environment_file() -> Path:
    return env.data_dir() / "portal.env"


def write_environment() -> None:
    """Keep the settings given on the command line; 0600, because they may hold secrets."""
    lines = [f'{name}="{value}"' for name, value in sorted(os.environ.items()) if is_setting(name)]
    environment_file().parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(environment_file(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("".join(f"{line}\n" for line in lines))


def is_setting(name: str) -> bool:
    return name.startswith("DCP_") or name in PASSED_ON


def install_unit() -> int:
    folder = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config")) / "systemd/user"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / UNIT).write_text(unit_text())
    write_environment()
    for words in (("daemon-reload",), ("enable", UNIT), ("restart", UNIT)):
        subprocess.run(["systemctl", "--user", *words], check=True)
    print(
        f"dcportal runs as {UNIT} of this user.\n"
        f"  address and sign-in link   journalctl --user -u {UNIT} -n 30\n"
        f"  stop                       systemctl --user stop {UNIT}   (jobs go on)\n"
        f"  start at boot, too         loginctl enable-linger"
    )
    return 0


def start_detached() -> int:
    log = env.data_dir() / "log/portal.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(places.python_of(places.PORTAL_VENV)), "manage.py", "portal", "--prepare"]
    with open(log, "ab") as output:
        process = subprocess.Popen(
            command,
            cwd=places.REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    print(
        "No systemd of this user answers here, so dcportal was started in the background instead.\n"
        "It outlives this terminal, but does not come back by itself after a reboot.\n"
        f"  address and sign-in link   tail -f {log}\n"
        f"  stop                       kill {process.pid}   (jobs go on)",
        file=sys.stdout,
    )
    return 0

"""Can this machine train: the trainer's interpreter, its torch against the driver, containment of jobs."""

from dcportal import env
from dcportal.operations.doctor.finding import Finding, fail, ok, warn
from dcportal.setup import gpus, trainer_status
from dcportal.setup.trainer_probe import probe, torch_of
from dcportal.setup.trainer_status import Torch
from jobs.engines.runner.containers.probe import probe as probe_containers

INSTALL = "make run (or now: .venv/bin/python -m dcportal.setup trainer)"


def trainer() -> Finding:
    status = trainer_status.read()
    python = env.trainer_python()
    if not python.exists():
        reason = status.error if status else ""
        return warn("trainer", f"{python} is not there. {reason}".strip(), INSTALL)
    if status and not status.is_final and not status.is_interrupted:
        return warn("trainer", f"being installed ({status.phase})", "wait; the first page shows the progress")
    answer = probe(python)
    if answer["problems"]:
        return fail("trainer", answer["problems"][0], f"rm -rf .venv-trainer; {INSTALL}")
    return of_torch(torch_of(answer), gpus.detect())


def of_torch(torch: Torch | None, found: gpus.Gpus | None) -> Finding:
    """Both versions, and the command that mends it when torch cannot use the GPUs that the driver shows."""
    if torch is None:
        return fail("trainer", "torch does not import", f"rm -rf .venv-trainer; {INSTALL}")
    if found is None:
        return ok("trainer", f"torch {torch.version}, no NVIDIA driver here: jobs train on the CPU")
    text = f"torch {torch.version} (CUDA {torch.cuda or 'none'}), driver {found.driver}"
    if torch.gpus_usable == len(found.capabilities):
        return ok("trainer", f"{text}: {torch.gpus_usable} GPU(s) usable")
    why = torch.problem or f"{torch.gpus_usable} of {len(found.capabilities)} GPUs usable"
    return fail("trainer", f"{text}: {why}", mend_for(torch))


def mend_for(torch: Torch) -> str:
    if torch.cuda is None:
        return "rm -rf .venv-trainer; make run TORCH=cuda"
    return "update the NVIDIA driver (580 or newer for CUDA 13, 525 for CUDA 12), then restart the portal"


CONTAINER_TEXTS = {
    "cgroup": "each job in a control group of its own: cancel leaves nothing behind",
    "namespace": "each job in a process namespace of its own: cancel leaves nothing behind",
    "sweep": "no kernel container here: only administrators may launch, cancel sweeps the job's descendants",
}


def containers() -> Finding:
    """How surely a cancelled job leaves nothing behind; the local engine's own probe, by trying."""
    found = probe_containers()
    missing = f" (missing: {', '.join(found.missing)})" if found.missing else ""
    text = CONTAINER_TEXTS.get(found.level, found.level) + missing
    if found.level == "sweep":
        return warn("containers", text, "sudo apt-get install -y bubblewrap, or allow user namespaces")
    return ok("containers", text)

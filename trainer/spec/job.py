"""A job request: what to run, with what, and on how much. The stored truth of every job."""

# ruff: noqa: RUF009 - `section` and `mapping` return dataclass fields

from dataclasses import dataclass

from trainer.spec.fields import mapping, section, setting
from trainer.spec.problems import _
from trainer.spec.train import TrainConfig

SCHEMA = 1


@dataclass(frozen=True)
class JobSection:
    """Who the job belongs to and how it queues."""

    name: str = setting(label=_("Name"), help=_("Shown in every list."), min_length=1, max_length=120)
    team: str | None = setting(
        None, label=_("Team"), help=_("Who owns the job; empty takes your own team."), max_length=120
    )
    queue: str | None = setting(
        None, label=_("Queue"), help=_("Empty takes the site's default queue."), max_length=120
    )
    priority: int = setting(
        0,
        label=_("Priority"),
        help=_("Higher starts earlier within its queue."),
        minimum=-1000,
        maximum=1000,
    )
    preemptible: bool = setting(
        False,
        label=_("May be interrupted"),
        help=_("Lets more urgent jobs stop this one; it resumes from its last checkpoint."),
    )
    time_limit_seconds: int | None = setting(
        None,
        label=_("Time limit"),
        help=_("Stopped when it has run this long; empty for no limit."),
        unit=_("seconds"),
        minimum=1,
        maximum=366 * 86400,
    )
    max_retries: int = setting(
        0,
        label=_("Retries"),
        help=_("How often a failed run is started again from its last checkpoint."),
        minimum=0,
        maximum=100,
    )
    not_before: str | None = setting(
        None,
        label=_("Not before"),
        help=_("Earliest start, with time zone."),
        format="time",
        max_length=64,
        advanced=True,
    )
    env: dict[str, str] = mapping(
        label=_("Environment variables"),
        help=_("One NAME=value a line. LD_* and PYTHON* reach only your own program."),
        format="variables",
        max_length=32768,
        multiline=True,
        advanced=True,
    )


@dataclass(frozen=True)
class CodeSection:
    """Where the program comes from: one of path, git and upload, or none."""

    path: str | None = setting(
        None,
        label=_("Folder on the server"),
        help=_("Copied when the job is launched."),
        format="absolute_path",
        max_length=4096,
    )
    git: str | None = setting(None, label=_("Git address"), format="git_address", max_length=2048)
    commit: str | None = setting(
        None,
        label=_("Commit"),
        help=_("Empty takes the newest commit of the default branch and records it."),
        format="commit",
        max_length=64,
    )
    upload: str | None = setting(
        None, label=_("Upload"), help=_("Identifier of an uploaded archive."), max_length=64
    )


@dataclass(frozen=True)
class EnvironmentSection:
    """Which Python runs it: a registered environment or an interpreter; empty is the trainer's own."""

    ref: str | None = setting(None, label=_("Registered environment"), max_length=120)
    interpreter: str | None = setting(
        None,
        label=_("Python interpreter"),
        help=_("Absolute path of the python of a venv or conda environment on the nodes."),
        format="absolute_path",
        max_length=4096,
    )


@dataclass(frozen=True)
class ResourcesSection:
    """How much of the machines it takes, all ranks together."""

    ranks: int = setting(
        2,
        label=_("Ranks"),
        help=_("Processes that train together; on GPUs one each."),
        minimum=1,
        maximum=4096,
    )
    gpus: int = setting(0, label=_("GPUs"), help=_("0 runs on the CPU."), minimum=0, maximum=4096)
    gpu_type: str | None = setting(None, label=_("GPU type"), help=_("Empty takes any."), max_length=120)
    cpus: int | None = setting(
        None,
        label=_("CPU cores"),
        help=_("Empty takes one for each rank."),
        unit=_("cores"),
        minimum=1,
        maximum=65536,
    )
    memory_bytes: int | None = setting(
        None,
        label=_("Memory"),
        help=_("Empty sets no limit."),
        unit=_("bytes"),
        minimum=64 * 2**20,
        maximum=2**50,
        advanced=True,
    )


@dataclass(frozen=True)
class DataSection:
    """Registered data the job reads."""

    dataset: str | None = setting(
        None,
        label=_("Data set"),
        help=_("Its path reaches the job as DCP_DATASET_PATH."),
        max_length=120,
    )


@dataclass(frozen=True)
class SecretsSection:
    """Secrets by name only; their values never enter a request."""

    names: tuple[str, ...] = setting(
        (),
        label=_("Secrets"),
        help=_("Each reaches the job as an environment variable of its name."),
        format="variable_names",
        max_length=120,
        max_items=64,
    )


@dataclass(frozen=True)
class JobSpec:
    """A whole request. Exactly one of `command` and `train` is given."""

    schema: int = setting(SCHEMA, label=_("Schema version"), minimum=1, maximum=2**31 - 1, advanced=True)
    command: tuple[str, ...] | None = setting(
        None,
        label=_("Command"),
        help=_("Program and arguments, one a line; every rank runs it."),
        min_items=1,
        max_items=1024,
        max_length=32768,
        multiline=True,
    )
    job: JobSection = section(JobSection, label=_("Job"))
    code: CodeSection = section(CodeSection, label=_("Code"))
    environment: EnvironmentSection = section(EnvironmentSection, label=_("Environment"))
    resources: ResourcesSection = section(ResourcesSection, label=_("Resources"))
    data: DataSection = section(DataSection, label=_("Data"))
    secrets: SecretsSection = section(SecretsSection, label=_("Secrets"))
    train: TrainConfig | None = section(TrainConfig, label=_("Training"), optional=True)

"""Is the trainer's environment whole, and what can its torch use?

Run by its interpreter as `python torch_probe.py requirements.txt`; prints one JSON object, imports nothing of
this repository.
"""

import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any


def main(requirements: str) -> None:
    problems = [trouble for pin in pins(Path(requirements)) if (trouble := trouble_of(*pin))]
    print(json.dumps({"problems": problems, "torch": None if problems else torch_facts()}))


def pins(file: Path) -> list[tuple[str, str]]:
    lines = (line.partition("#")[0].strip() for line in file.read_text().splitlines())
    return [(name, version) for name, mark, version in (line.partition("==") for line in lines) if mark]


def trouble_of(name: str, version: str) -> str | None:
    """Not there, another version, or files lost (a kill in the middle of an installation leaves such)."""
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return f"{name} is not installed"
    if found.version.partition("+")[0] != version:
        return f"{name} is {found.version}, {version} is pinned"
    lost = [
        file
        for file in found.files or ()
        if not is_byte_code(str(file)) and not Path(str(file.locate())).exists()
    ]
    return f"{name} lost {len(lost)} files, the first is {lost[0]}" if lost else None


def is_byte_code(file: str) -> bool:
    return file.endswith(".pyc")


def torch_facts() -> dict[str, Any]:
    import torch

    facts = {"version": torch.__version__, "cuda": torch.version.cuda, "gpus_usable": 0, "architectures": []}
    if torch.version.cuda is None:
        return {**facts, "problem": ""}
    facts["architectures"] = torch.cuda.get_arch_list()
    try:
        facts["gpus_usable"] = sum(works(torch, index) for index in range(torch.cuda.device_count()))
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        return {**facts, "problem": str(error).splitlines()[0]}
    return {**facts, "problem": ""}


def works(torch: Any, index: int) -> bool:
    """A sum on the device itself: an architecture missing from the build fails here, not at the first job."""
    return float(torch.ones(8, device=f"cuda:{index}").sum()) == 8.0


if __name__ == "__main__":
    main(sys.argv[1])

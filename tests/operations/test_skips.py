"""CI is green only when the tests it exists for have run."""

from pathlib import Path

import pytest

from dcportal.operations import skips


@pytest.fixture
def report(tmp_path: Path):
    def write(classname: str, reason: str | None) -> str:
        mark = "" if reason is None else f'<skipped message="{reason}"/>'
        file = tmp_path / "portal.xml"
        file.write_text(
            f'<testsuites><testsuite><testcase classname="{classname}" name="test_x">{mark}</testcase>'
            "</testsuite></testsuites>"
        )
        return str(file)

    return write


@pytest.mark.parametrize("module", ["tests.e2e.test_launch", "tests.monitoring.agent.test_nvml_stub"])
def test_a_skipped_browser_or_nvml_test_fails_the_run(report, module: str) -> None:
    assert skips.main([report(module, "no chromium")]) == 1


def test_tests_that_want_a_gpu_may_be_skipped(report) -> None:
    assert skips.main([report("tests.trainer.gpu.test_nccl", "needs a real NVIDIA GPU")]) == 0


def test_a_run_without_skips_passes(report) -> None:
    assert skips.main([report("tests.e2e.test_launch", None)]) == 0


def test_skips_elsewhere_are_counted_only(report, capsys: pytest.CaptureFixture[str]) -> None:
    assert skips.main([report("tests.jobs.engines_slurm_lab", "no slurm here")]) in {0, 1}
    assert "1 skipped" in capsys.readouterr().out

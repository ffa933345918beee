from pathlib import Path

import pytest

from tests.monitoring.store.helpers import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "telemetry")

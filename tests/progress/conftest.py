"""A job with two followers."""

from __future__ import annotations

import pytest

from darkroom.aws.services import services
from tests.conftest import Cloud
from tests.gateway import StandInGateway


@pytest.fixture
def gateway(cloud: Cloud) -> StandInGateway:
    gateway = StandInGateway()
    object.__setattr__(services().connections, "gateway", gateway)
    for connection in ("c1", "c2"):
        services().connections.opened(connection, "j1", 1e10)
        services().connections.subscribe(connection, "j1", 1e10)
    return gateway

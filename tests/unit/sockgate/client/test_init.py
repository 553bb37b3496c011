import asyncio
import subprocess
import sys

import pytest
import sockgate.client


def test_public_names_exist() -> None:
    assert [name for name in sockgate.client.__all__ if not hasattr(sockgate.client, name)] == []


def test_import_needs_no_settings_and_loads_no_framework() -> None:
    program = (
        "import sys, sockgate.client; "
        "sys.exit(any(m.split('.')[0] in ('django', 'tornado', 'redis') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_missing_websockets_names_the_extra() -> None:
    program = "import sys; sys.modules['websockets'] = None; import sockgate.client"
    run = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert "pip install 'sockgate[client]'" in run.stderr


def test_client_may_be_made_before_its_loop_runs() -> None:
    source = sockgate.client.CallableSource(lambda: "T1")
    client = sockgate.client.AsyncClient(source, url="no URL")

    async def connect() -> None:
        async with client:
            await client.wait_until_connected()

    with pytest.raises(sockgate.client.ConnectionClosed, match="absolute URL"):
        asyncio.run(connect())

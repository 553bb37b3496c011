from sockgate_gateway.config.config import Config
from sockgate_gateway.server import startup


def test_missing_origins_are_logged_with_the_setting(caplog):
    startup._log_missing_origins(Config(origins=("https://www.example.com",)))
    assert caplog.records == []
    startup._log_missing_origins(Config())
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("event=no_origins hint='SOCKGATE_ORIGINS is not set")

"""The files of deploy/ name settings, ports and commands that exist, as docs/deploy.md has them."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from sockgate_gateway.cli import _parser
from sockgate_gateway.config.config import Config
from sockgate_gateway.config.loading import load

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DOCUMENT = (ROOT / "docs" / "deploy.md").read_text()
COMPOSE = DEPLOY / "docker" / "compose.yaml"
MANIFESTS = DEPLOY / "kubernetes" / "sockgate.yaml"
DOCKERFILE = DEPLOY / "docker" / "Dockerfile"
SECRETS = {"SOCKGATE_REDIS_URL": "redis://10.0.0.5/0", "SOCKGATE_SIGNING_KEYS": "k" * 48}
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def gateway_stage() -> str:
    """Return the lines of the image without the site."""
    text = DOCKERFILE.read_text()
    return text[text.index("FROM") : text.index("\n# The site")]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ini", (DEPLOY / "systemd" / "sockgate.service").read_text()),
        ("dockerfile", gateway_stage()),
        ("", (DEPLOY / "Procfile").read_text()),
    ],
    ids=["unit", "image", "Procfile"],
)
def test_document_shows_the_file(language: str, text: str) -> None:
    assert f"```{language}\n{text}```" in DOCUMENT


def test_document_links_every_file() -> None:
    files = [*UNITS, *(DEPLOY / "systemd").glob("*.timer"), COMPOSE, DOCKERFILE, MANIFESTS]
    names = [str(file.relative_to(ROOT)) for file in files]
    assert [name for name in names if f"(../{name})" not in DOCUMENT] == []


def image_variables() -> dict[str, str]:
    """Return what the image sets."""
    (line,) = re.findall(r"^ENV (SOCKGATE.*)$", gateway_stage(), re.MULTILINE)
    return dict(pair.split("=", 1) for pair in line.split())


def compose_variables(service: str) -> dict[str, str]:
    """Return the variables of a service, with values for what its user fills in."""
    given: dict[str, str] = yaml.safe_load(COMPOSE.read_text())["services"][service]["environment"]
    filled = {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text) for name, text in given.items()}
    return {**filled, **SECRETS}


def test_image_is_built_from_what_it_copies_and_no_secret_of_a_developer() -> None:
    ignored = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    copied = re.findall(r"^COPY (.*) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    assert {path.rstrip("/") for line in copied for path in line.split()} == allowed
    assert "*" in ignored
    left = {"**/.sockgate", "**/*.sqlite3"}
    assert min(map(ignored.index, left)) > max(ignored.index(f"!{path}") for path in allowed)


def manifests() -> dict[str, Any]:
    """Return the objects of Kubernetes by their kinds; the last of each."""
    return {one["kind"]: one for one in yaml.safe_load_all(MANIFESTS.read_text())}


def container() -> dict[str, Any]:
    (only,) = manifests()["Deployment"]["spec"]["template"]["spec"]["containers"]
    return only


def kubernetes_variables() -> dict[str, str]:
    pairs = {one["name"]: one.get("value", "") for one in container()["env"]}
    assert [name for name, value in pairs.items() if not value] == list(SECRETS)
    return {**pairs, **SECRETS}


def configurations() -> Iterator[Config]:
    """Read what each file says, as ``sockgate`` does: a wrong name or value raises."""
    yield load({}, {**image_variables(), **compose_variables("gateway")})
    yield load({}, kubernetes_variables())
    line = (DEPLOY / "Procfile").read_text().removeprefix("web: sockgate ")
    flags = vars(_parser().parse_args(shlex.split(line)))
    given = {name: text for name, text in flags.items() if isinstance(text, str)}
    yield load(given, {**SECRETS, "SOCKGATE_ORIGINS": "https://www.example.com", "PORT": "5000"})


def test_every_setting_of_a_file_exists() -> None:
    for config in configurations():
        assert config.host == "0.0.0.0"
        assert config.origins


def test_site_of_the_compose_file_and_its_gateway_share_what_they_must() -> None:
    site, gateway = compose_variables("site"), compose_variables("gateway")
    shared = (*SECRETS, "SOCKGATE_ORIGINS")
    assert {name: site[name] for name in shared} == {name: gateway[name] for name in shared}
    text = COMPOSE.read_text()
    names = set(re.findall(r"\$\{(\w+)", text))
    example = (DEPLOY / "docker" / "env.example").read_text()
    assert names == set(re.findall(r"^(\w+)=", example, re.MULTILINE))


def test_ports_are_those_of_the_gateway() -> None:
    config = load({}, {**SECRETS, "SOCKGATE_WORKERS": "2"})
    port, ops = config.port, config.ops_port
    exposed = re.findall(r"^EXPOSE (.*)$", gateway_stage(), re.MULTILINE)
    assert exposed == [f"{port} {ops - 1} {ops}"]
    assert f"http://127.0.0.1:{ops - 1}/ready" in COMPOSE.read_text()
    assert f"upstream sockgate {{ server 10.89.0.13:{port};" in nginx_of_compose()
    ports = {one["name"]: one["containerPort"] for one in container()["ports"]}
    assert ports == {"http": port, "ops": ops - 1}
    probes = ("startupProbe", "livenessProbe", "readinessProbe")
    paths = [
        (container()[it]["httpGet"]["port"], container()[it]["httpGet"]["path"]) for it in probes
    ]
    assert paths == [("ops", "/health"), ("ops", "/health"), ("ops", "/ready")]
    services = [
        one for one in yaml.safe_load_all(MANIFESTS.read_text()) if one["kind"] == "Service"
    ]
    named = [(it["targetPort"], it["port"]) for one in services for it in one["spec"]["ports"]]
    assert named == [("http", port), ("ops", ops - 1)]
    assert manifests()["ServiceMonitor"]["spec"]["endpoints"][0]["port"] == "ops"


def test_objects_of_kubernetes_find_each_other() -> None:
    kinds = manifests()
    labels = kinds["Deployment"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        kinds["Deployment"]["spec"]["selector"]["matchLabels"],
        kinds["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        kinds["Service"]["spec"]["selector"],
    ]
    assert [one for one in selectors if not one.items() <= labels.items()] == []
    wanted = kinds["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= kinds["Service"]["metadata"]["labels"].items()
    mounted = {one["name"] for one in container()["volumeMounts"]}
    pod = kinds["Deployment"]["spec"]["template"]["spec"]
    assert mounted == {one["name"] for one in pod["volumes"]}
    assert pod["enableServiceLinks"] is False


def test_pod_has_time_for_its_end() -> None:
    config = load({}, kubernetes_variables())
    pod = manifests()["Deployment"]["spec"]["template"]["spec"]
    wait_s = container()["lifecycle"]["preStop"]["sleep"]["seconds"]
    needed_s = wait_s + config.drain_delay + config.drain_timeout + 15
    assert config.drain_delay > 0
    assert pod["terminationGracePeriodSeconds"] >= needed_s


def nginx_of_compose() -> str:
    return (DEPLOY / "docker" / "nginx.conf").read_text()


def test_nginx_of_the_compose_file_sends_the_documented_paths_to_the_gateway() -> None:
    blocks = r"location ~ [^\n]*\{.*?\n *\}"
    (documented,) = re.findall(blocks, DOCUMENT, re.DOTALL)
    (ours,) = re.findall(blocks, nginx_of_compose(), re.DOTALL)
    assert ours.split() == documented.split()


def test_units_run_commands_that_exist() -> None:
    commands = {
        *re.findall(r"manage\.py (\w+)", "".join(unit.read_text() for unit in UNITS)),
        *re.findall(r"manage\.py (sockgate\w*)", COMPOSE.read_text()),
    }
    assert commands == {"sockgate_signals", "sockgate_doctor", "sockgate_sync"}
    assert commands <= set(get_commands())


def test_timer_starts_a_unit_of_its_name() -> None:
    timers = (DEPLOY / "systemd").glob("*.timer")
    assert [timer for timer in timers if not timer.with_suffix(".service").exists()] == []


@pytest.mark.soak
@pytest.mark.parametrize(
    "command",
    [
        ("kubernetes-validate", "--strict", str(MANIFESTS)),
        ("hadolint", str(DOCKERFILE)),
        ("docker-compose", "--env-file", "{filled}", "--file", str(COMPOSE), "config", "--quiet"),
    ],
    ids=lambda command: command[0],
)
def test_programs_accept_the_file(command: tuple[str, ...], tmp_path: Path) -> None:
    """With the tools that the extra ``soak`` installs."""
    example = (DEPLOY / "docker" / "env.example").read_text()
    filled = tmp_path / "filled"
    filled.write_text(re.sub(r"=$", "=secret", example, flags=re.MULTILINE))
    done = subprocess.run(
        [part.format(filled=filled) for part in command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

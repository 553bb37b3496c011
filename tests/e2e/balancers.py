"""Real balancers, with the configuration that docs/deploy.md shows."""

import re
import shutil
from pathlib import Path

from tests.e2e.servers import Server, answers
from tests.e2e.stack import ROOT
from tests.ports import HOST

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
HAPROXY = shutil.which("haproxy") or "/usr/sbin/haproxy"
NGINX_FRAME = """
daemon off;
worker_processes 1;
{limits}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections {worker_connections}; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{site}
}}
"""
_PASS = "proxy_pass http://sockgate;"
_UPSTREAM = "upstream sockgate { server 127.0.0.1:8001; keepalive 64; }"


def nginx(
    folder: Path,
    port: int,
    django: str,
    gateway: str,
    other: str = "",
    worker_connections: int = 256,
    more: str = "",
    limits: str = "",
) -> Server:
    """Describe nginx on a port, in front of one gateway or two.

    Args:
        folder: takes all its files.
        django, gateway, other: ``host:port`` of each.
        worker_connections: its limit, for both sides together.
        more: ``host:port`` under which the gateway is reached as well.
        limits: directives outside ``events`` and ``http``.
    """
    site, hosts = _documented("nginx")
    if other:
        assert _UPSTREAM in site
        assert _PASS in site
        site = site.replace(_UPSTREAM, hosts).replace(_PASS, "proxy_pass http://$sockgate;")
    if more:
        site = site.replace("server 127.0.0.1:8001;", f"server 127.0.0.1:8001; server {more};")
    replaced = {
        "listen 443 ssl": f"listen {HOST}:{port}",
        "127.0.0.1:8001": gateway,
        "10.0.0.11:8001": gateway,
        "10.0.0.12:8001": other,
        "127.0.0.1:8000": django,
        "include proxy_params;": "proxy_set_header Host $http_host;",
    }
    file = folder / "nginx.conf"
    frame = {"folder": folder, "worker_connections": worker_connections, "limits": limits}
    file.write_text(NGINX_FRAME.format(**frame, site=_replace(site, replaced)))
    command = [NGINX, "-p", str(folder), "-c", str(file), "-e", "stderr"]
    return Server(command, {}, folder / "nginx.log", lambda: answers(port, "/realtime/info"))


def haproxy(
    folder: Path,
    port: int,
    django: str,
    gateways: tuple[str, str],
    ops_ports: tuple[int, int],
    maxconn: int = 256,
    limits: str = "",
) -> Server:
    """Describe HAProxy on a port, in front of two gateways whose health is asked for.

    Args:
        folder: takes all its files.
        django, gateways: ``host:port`` of each.
        ops_ports: of the gateways.
        maxconn: its limit of clients, in ``global`` and in the frontend.
        limits: a line of ``global``.
    """
    (site,) = _documented("haproxy")
    site = f"global\n    maxconn {maxconn}\n    {limits}\n\n{site}"
    replaced = {
        "frontend site\n": f"frontend site\n    maxconn {maxconn}\n",
        "bind :443 ssl crt /etc/haproxy/www.example.com.pem": f"bind {HOST}:{port}",
        "X-Forwarded-Proto https": "X-Forwarded-Proto http",
        "10.0.0.11:8001": gateways[0],
        "10.0.0.12:8001": gateways[1],
        f"{gateways[0]} check port 8011": f"{gateways[0]} check port {ops_ports[0]}",
        f"{gateways[1]} check port 8011": f"{gateways[1]} check port {ops_ports[1]}",
        "127.0.0.1:8000": django,
    }
    file = folder / "haproxy.cfg"
    file.write_text(_replace(site, replaced))
    command = [HAPROXY, "-db", "-f", str(file)]
    return Server(command, {}, folder / "haproxy.log", lambda: answers(port, "/realtime/info"))


def for_many_clients(setting: str) -> list[str]:
    """Return how the table of docs/deploy.md writes a setting: for 2,000 clients, and 50,000."""
    text = (ROOT / "docs" / "deploy.md").read_text()
    table = text.partition("### For many clients")[2].partition("\n\nWith several")[0]
    cells = [row.split("|")[3:5] for row in table.splitlines() if row.startswith("| ")]
    found = (re.findall(rf"`({setting} \d+;?)`", cell) for row in cells for cell in row)
    return [one for each in found for one in each]


def _documented(language: str) -> list[str]:
    text = (ROOT / "docs" / "deploy.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def _replace(text: str, replaced: dict[str, str]) -> str:
    for old, new in replaced.items():
        text = text.replace(old, new)
    return text

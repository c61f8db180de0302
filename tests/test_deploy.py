"""The files in `deploy/`: every command in them is one that the option parser takes, and what they promise adds up."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pounce import Server
from pounce.cli import run_command

if TYPE_CHECKING:
    from pounce import ServerConfig

DEPLOY: Final = Path(__file__).resolve().parent.parent / "deploy"
DOCKERFILES: Final = sorted(DEPLOY.glob("docker/Dockerfile*"))
DOCKER_KILLS_AFTER: Final = 10
"""Seconds after SIGTERM."""


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> list[ServerConfig]:
    """The configurations of servers that were to run; none of them does."""
    configs: list[ServerConfig] = []

    def run(self: Server, *, last: bool = False) -> int:
        configs.append(self.config)
        return 0

    monkeypatch.setattr(Server, "run", run)
    return configs


def unit(name: str) -> dict[str, list[str]]:
    """The settings of a unit, in whatever section they are."""
    settings: dict[str, list[str]] = {}
    for line in (DEPLOY / "systemd" / name).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            settings.setdefault(key, []).append(value)
    return settings


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, each on one line."""
    text = re.sub(r"\\\n\s*", "", dockerfile.read_text())
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def manifests() -> list[dict[str, Any]]:
    # Not imported by name: it comes with another package of the tests and has no types of its own.
    yaml = importlib.import_module("yaml")
    return [
        document
        for path in sorted(DEPLOY.glob("kubernetes/*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]


def commands() -> dict[str, list[str]]:
    """What follows ``pounce`` in every file, by the file's name."""
    found = {"pounce.service": shlex.split(unit("pounce.service")["ExecStart"][0])[1:]}
    for path in DOCKERFILES:
        last = dict(instructions(path))
        assert json.loads(last["ENTRYPOINT"]) == ["pounce"]
        found[path.name] = json.loads(last["CMD"])
    for path in (*DEPLOY.glob("nginx/*"), *DEPLOY.glob("haproxy/*"), *DEPLOY.glob("*.md")):
        for number, line in enumerate(re.findall(r"^[#\s$]*pounce (main:app.*)$", path.read_text(), re.MULTILINE)):
            found[f"{path.name}-{number}"] = shlex.split(line)
    return found


COMMANDS: Final = commands()


def test_every_folder_has_a_command_or_a_manifest() -> None:
    names = {name.partition("-")[0] for name in COMMANDS}
    assert names >= {"pounce.service", "Dockerfile", "app.conf", "haproxy.cfg"}


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_every_command_is_one_that_is_understood(arguments: list[str], configured: list[ServerConfig]) -> None:
    assert run_command(arguments) == 0
    assert [config.app for config in configured] == ["main:app"]


@pytest.mark.parametrize("name", ["app.conf-0", "haproxy.cfg-0"])
def test_the_server_believes_the_proxy_in_front_of_it(name: str, configured: list[ServerConfig]) -> None:
    """Or the application sees the proxy's address for every client's, and none over a UNIX socket."""
    assert "--forwarded-allow-ips" in COMMANDS[name]
    assert run_command(COMMANDS[name]) == 0


def test_the_unit_gives_the_server_the_time_that_it_asks_for(configured: list[ServerConfig]) -> None:
    run_command(COMMANDS["pounce.service"])
    settings = unit("pounce.service")
    assert int(settings["TimeoutStopSec"][0]) > _time_to_stop(*configured)
    assert int(settings["TimeoutStartSec"][0]) > configured[0].exchange.timeout_lifespan_startup
    assert settings["KillMode"] == ["mixed"]
    assert settings["Type"] == ["notify"]
    assert unit("pounce.service.d/notify-reload.conf") == {"Type": ["notify-reload"], "ExecReload": [""]}


def _time_to_stop(config: ServerConfig) -> float:
    return config.worker.graceful_timeout + config.exchange.timeout_lifespan_shutdown


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    """Apart from the program, which is not there."""
    program = shutil.which("true")
    text = (DEPLOY / "systemd/pounce.service").read_text()
    (tmp_path / "pounce.service").write_text(re.sub(r"ExecStart=\S+", f"ExecStart={program}", text))
    shutil.copy(DEPLOY / "systemd/pounce.socket", tmp_path)
    units = [str(tmp_path / name) for name in ("pounce.service", "pounce.socket")]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_the_image(dockerfile: Path, configured: list[ServerConfig]) -> None:
    steps = instructions(dockerfile)
    assert [word for word, _ in steps].count("FROM") == 2
    last = dict(steps)
    assert re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", last["USER"])
    assert last["STOPSIGNAL"] == "SIGTERM"
    users = [number for number, (word, _) in enumerate(steps) if word == "USER"]
    assert all(word not in ("RUN", "COPY") for word, _ in steps[users[-1] :])
    run_command(json.loads(last["CMD"]))
    assert _time_to_stop(*configured) < DOCKER_KILLS_AFTER
    assert configured[0].bind == (f":{last['EXPOSE']}",)
    assert f"127.0.0.1', {last['EXPOSE']})" in last["HEALTHCHECK"]


def test_the_deployment(configured: list[ServerConfig]) -> None:
    pytest.importorskip("yaml")
    (pod,) = (one["spec"]["template"]["spec"] for one in manifests() if one["kind"] == "Deployment")
    (container,) = pod["containers"]
    assert run_command(container["args"]) == 0
    (config,) = configured
    (port,) = container["ports"]
    assert config.bind == (f":{port['containerPort']}",)
    before = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= before + _time_to_stop(config)
    start = container["startupProbe"]
    assert start["periodSeconds"] * start["failureThreshold"] >= config.exchange.timeout_lifespan_startup
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] == port["name"]
    assert pod["enableServiceLinks"] is False


def test_the_service_finds_the_pods() -> None:
    pytest.importorskip("yaml")
    by_kind = {one["kind"]: one for one in manifests()}
    labels = by_kind["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert by_kind["Service"]["spec"]["selector"] == labels
    assert by_kind["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert by_kind["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels


@pytest.mark.parametrize("path", ["nginx/app.conf", "haproxy/haproxy.cfg"])
def test_a_proxy_keeps_its_connections_for_less_long_than_the_server(path: str, configured: list[ServerConfig]) -> None:
    """Else it would send a request on a connection that the server closes at that very moment."""
    run_command(["main:app"])
    (idle,) = re.findall(r"(?:keepalive_timeout|http-keep-alive) (\d+)s", (DEPLOY / path).read_text())
    assert int(idle) < configured[0].worker.timeout_keep_alive

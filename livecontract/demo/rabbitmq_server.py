"""A private RabbitMQ server on loopback, for the demonstration and for tests.

It shares nothing with a RabbitMQ that the machine runs: node name, directories, ports, Erlang's port mapper (epmd) and
cookie are its own. What is started here is ended here, by process id, and nothing else is.

```
<directory>/rabbitmq.conf   the configuration, with the administrator's password; closed to others
<directory>/data            messages, users, queues: what survives `kill` and `start`
<directory>/log             of the server
<directory>/output          what the programs print
```
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3

from eventchain.core.errors import UnavailableError
from livecontract.config import environment_of
from livecontract.demo.private_server import HOST, end, printed_last, spawn
from livecontract.free_ports import free_ports

ADMINISTRATOR = "administrator"
PLUGINS = ("rabbitmq_management", "rabbitmq_shovel", "rabbitmq_shovel_management")

START_SECONDS = 120.0
"""Erlang starts in a few seconds on a quiet machine, and this is for a busy one."""

_POLL_SECONDS = 0.1
_API_SECONDS = 10.0
_TAIL = 3000
_FOLDERS = ("/usr/lib/rabbitmq/bin", "/usr/sbin", "/usr/local/sbin", "/usr/lib/erlang/bin")
_GREETING = b"AMQP\x00\x00\x09\x01"
"""What a client says first (AMQP 0-9-1, 4.2.2); the server answers with its first method."""

_LOOPBACK = "-kernel inet_dist_use_interface {127,0,0,1}"

_CONFIGURATION = """\
listeners.tcp.1 = {host}:{amqp}
management.tcp.ip = {host}
management.tcp.port = {management}
default_user = {user}
default_pass = {password}
default_user_tags.administrator = true
loopback_users.{user} = true
vm_memory_high_watermark.absolute = 512MiB
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 33554432
collect_statistics_interval = 1000
log.file.level = info
log.console = false
"""


@dataclass(frozen=True, slots=True)
class Tls:
    """What a server shows to clients, and whom it lets in.

    Attributes:
        ca: PEM file of who signs the clients' certificates.
        certificate: PEM file of the server's certificate.
        key: PEM file of its key.
        ask_clients: Whether clients have to show a certificate.
    """

    ca: Path
    certificate: Path
    key: Path
    ask_clients: bool = False


class RabbitServer:
    """A RabbitMQ server in processes of its own.

    Attributes:
        directory: Where everything it writes is.
        port: Of AMQP; the same after a restart, like the other ports.
        tls_port: Of AMQP over TLS; 0 without.
        management_port: Of the management API.
        password: Of the user `ADMINISTRATOR`, who may do everything.
    """

    def __init__(self, directory: Path, tls: Tls | None = None) -> None:
        """Choose ports and a password, and write the configuration; nothing runs yet."""
        self.directory = directory
        self.password = secrets.token_urlsafe(24)
        ports = free_ports(HOST, 5)
        self.port, self.management_port, self._distribution_port, self._epmd_port, spare = ports
        self.tls_port = spare if tls else 0
        self._epmd: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._pool = urllib3.PoolManager(retries=False, timeout=_API_SECONDS)
        self._write_configuration(tls)

    @property
    def api_url(self) -> str:
        """The management API."""
        return f"http://{HOST}:{self.management_port}"

    @property
    def pid(self) -> int:
        """Process id of the Erlang VM; 0 before the start."""
        return self._server.pid if self._server else 0

    @property
    def is_running(self) -> bool:
        """Whether the Erlang VM lives."""
        return self._server is not None and self._server.poll() is None

    def url(self, vhost: str = "/", user: str = ADMINISTRATOR, *, tls: bool = False) -> str:
        """Return the URL of a virtual host as settings take it, without a password."""
        scheme, host, port = ("amqps", "localhost", self.tls_port) if tls else ("amqp", HOST, self.port)
        return f"{scheme}://{quote(user, safe='')}@{host}:{port}/{quote(vhost, safe='')}"

    def start(self) -> None:
        """Start the server over what it held before, and wait until AMQP and the management API answer.

        Raises:
            UnavailableError: RabbitMQ is not installed, or does not start; the message holds what it printed last.
        """
        environment = self._environment()
        if self._epmd is None or self._epmd.poll() is not None:
            self._epmd = self._spawn("epmd", environment)
            self._wait_until(lambda: _answers(self._epmd_port), self._epmd)
        self._server = self._spawn("rabbitmq-server", environment)
        self._wait_until(self._is_ready, self._server)

    def stop(self) -> None:
        """Ask the server to write down what it has and end; kill it if it does not."""
        end(self._server, signal.SIGTERM)
        end(self._epmd, signal.SIGTERM)
        self._pool.clear()

    def kill(self) -> None:
        """End the server in the middle of what it does, as a failure of the machine would."""
        end(self._server, signal.SIGKILL)

    def api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask the management API as the administrator, and return the JSON it answers, or None.

        Args:
            method: Of HTTP.
            path: Below `/api/`, with what it names already quoted.
            body: Sent as JSON.

        Raises:
            UnavailableError: It does not answer, or refuses.
        """
        headers = urllib3.make_headers(basic_auth=f"{ADMINISTRATOR}:{self.password}")
        try:
            answer = self._pool.request(method, f"{self.api_url}/api/{path}", headers=headers, json=body)
        except urllib3.exceptions.HTTPError as error:
            raise UnavailableError(f"the management API does not answer: {error}") from error
        if answer.status >= 300:
            raise UnavailableError(f"{method} {path}: {answer.status} {answer.data[:200]!r}")
        return answer.json() if answer.data else None

    def add_vhost(self, vhost: str) -> None:
        """Make a virtual host, in which nobody may do anything yet."""
        self.api("PUT", f"vhosts/{quote(vhost, safe='')}", {"default_queue_type": "quorum"})

    def add_user(self, user: str, password: str, tags: str = "") -> None:
        """Make a user, or change the password."""
        self.api("PUT", f"users/{quote(user, safe='')}", {"password": password, "tags": tags})

    def permit(self, vhost: str, user: str, *, configure: str = ".*", write: str = ".*", read: str = ".*") -> None:
        """Let a user into a virtual host; three regular expressions say what may be made, written to and read."""
        rights = {"configure": configure, "write": write, "read": read}
        self.api("PUT", f"permissions/{quote(vhost, safe='')}/{quote(user, safe='')}", rights)

    def control(self, *arguments: str) -> None:
        """Run `rabbitmqctl` on the running server.

        Raises:
            UnavailableError: It failed; the message holds what it printed.
        """
        environment = self._environment()
        done = subprocess.run(  # noqa: S603 (a program that was looked up)
            [_program("rabbitmqctl"), "--node", environment["RABBITMQ_NODENAME"], *arguments],
            env=environment,
            cwd=environment["HOME"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=START_SECONDS,
            check=False,
        )
        if done.returncode:
            raise UnavailableError(f"rabbitmqctl failed: {done.stderr[-_TAIL:].decode('utf-8', 'replace')}")

    def _write_configuration(self, tls: Tls | None) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = _CONFIGURATION.format(
            host=HOST, amqp=self.port, management=self.management_port, user=ADMINISTRATOR, password=self.password
        )
        if tls:
            asked = "true" if tls.ask_clients else "false"
            text += f"listeners.ssl.1 = {HOST}:{self.tls_port}\n"
            text += f"ssl_options.cacertfile = {tls.ca}\nssl_options.certfile = {tls.certificate}\n"
            text += f"ssl_options.keyfile = {tls.key}\nssl_options.verify = verify_peer\n"
            text += f"ssl_options.fail_if_no_peer_cert = {asked}\n"
        path = self.directory / "rabbitmq.conf"
        path.touch(mode=0o600)
        path.write_text(text)
        (self.directory / "enabled_plugins").write_text(f"[{','.join(PLUGINS)}].\n")

    def _environment(self) -> dict[str, str]:
        directory = self.directory.absolute()
        own = {
            "HOME": str(directory),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": HOST,
            # The script then becomes the Erlang VM, so that its process id is the VM's.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_NODENAME": f"livecontract-{self.port}@localhost",
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(directory / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(directory / "data"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(directory / "generated"),
            "RABBITMQ_PID_FILE": str(directory / "pid"),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _LOOPBACK,
            "RABBITMQ_CTL_ERL_ARGS": _LOOPBACK,
            "RABBITMQ_CTL_DIST_PORT_MIN": "0",  # any that is free
            "RABBITMQ_CTL_DIST_PORT_MAX": "0",
        }
        foreign = environment_of({}).items()
        return {name: value for name, value in foreign if not name.startswith(("RABBITMQ_", "ERL_"))} | own

    def _spawn(self, name: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        return spawn([_program(name)], self._output, environment=environment, folder=self.directory)

    @property
    def _output(self) -> Path:
        return self.directory / "output"

    def _is_ready(self) -> bool:
        try:
            self.api("GET", "overview")
        except UnavailableError:
            return False
        return _answers(self.port, _GREETING)

    def _wait_until(self, holds: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
        latest = time.monotonic() + START_SECONDS
        while time.monotonic() < latest and process.poll() is None:
            if holds():
                return
            time.sleep(_POLL_SECONDS)
        self.stop()
        raise UnavailableError(f"RabbitMQ did not start. What it printed last:\n{printed_last(self._output)}")


def find_program(name: str) -> str | None:
    """Return the path of a program of RabbitMQ or Erlang, or None.

    Debian's `rabbitmq-server` in the search path changes user; the one beside the library does not, and goes first.
    """
    return shutil.which(name, path=os.pathsep.join(_FOLDERS[:1])) or shutil.which(name) or _in_folders(name)


def _in_folders(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join(_FOLDERS))


def _program(name: str) -> str:
    found = find_program(name)
    if found is None:
        raise UnavailableError(f"{name} is missing", hint="Install RabbitMQ: on Debian the package rabbitmq-server.")
    return found


def _answers(port: int, greeting: bytes = b"") -> bool:
    try:
        with socket.create_connection((HOST, port), _API_SECONDS) as connection:
            connection.sendall(greeting)
            return not greeting or bool(connection.recv(1))
    except OSError:
        return False

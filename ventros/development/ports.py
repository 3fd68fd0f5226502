"""Ports on this machine: whether one is free, and finding one that is."""

import errno
import http.client
import random
import socket

from ventros.development.errors import PortTaken

# Below the range from which the kernel takes the ports of outgoing connections, so that a program
# started again finds its port still free.
_OURS = range(20_000, 32_000)
_WELL_KNOWN = 1024


def require_free(host: str, port: int) -> None:
    """Raise `PortTaken` unless a server could listen on the port."""
    try:
        _try(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            another = port + 1 if port < 65_535 else port - 1  # noqa: PLR2004 - the highest there is.
            raise PortTaken(
                f"Port {port} is already in use. Stop the program that uses it or choose another: "
                f"./run --port {another}"
            ) from error
        if error.errno == errno.EACCES and port < _WELL_KNOWN:
            raise PortTaken(f"Port {port} is open to root only. Choose another: ./run --port 8000") from error
        raise PortTaken(
            f"Nothing can listen on {host}, port {port}: {error.strerror or error}. Choose an address of this "
            "machine with VENTROS_HOST and a port with ./run --port N."
        ) from error


def find_free(host: str, *, besides: int = 0) -> int:
    """Return a port, not `besides`, that is free now and that no outgoing connection will take."""
    for port in random.SystemRandom().sample(_OURS, 200):
        if port == besides:
            continue
        try:
            _try(host, port)
        except OSError:
            continue
        return port
    raise PortTaken(f"No free port was found on {host} between {_OURS.start} and {_OURS.stop}.")


def reachable(host: str) -> str:
    """Return the host by which this machine reaches a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared only.


def url_of(host: str, port: int) -> str:
    """Return the address of a server that listens on the host and port, without a slash at its end."""
    name = reachable(host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def answers(host: str, port: int, path: str) -> bool:
    """Tell whether a GET for the path is answered with 200. Proxies of the environment are not asked."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _try(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        # As servers do; it frees us from connections that were closed a moment ago.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))

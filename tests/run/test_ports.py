import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ventros.development.errors import PortTaken
from ventros.development.ports import answers, find_free, require_free, url_of


def test_a_taken_port_is_named_with_the_way_to_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        with pytest.raises(PortTaken) as refusal:
            require_free("127.0.0.1", port)

    another = port + 1 if port < 65_535 else port - 1
    assert str(refusal.value) == (
        f"Port {port} is already in use. Stop the program that uses it or choose another: ./run --port {another}"
    )


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(PortTaken, match=r"Nothing can listen on 192\.0\.2\.1, port 8000: .*VENTROS_HOST"):
        require_free("192.0.2.1", 8000)


def test_a_found_port_is_free_and_below_those_of_outgoing_connections() -> None:
    port = find_free("127.0.0.1")

    require_free("127.0.0.1", port)
    assert 20_000 <= port < 32_000


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("crm.example.org", "http://crm.example.org:8000"),
    ],
)
def test_an_address_to_listen_on_becomes_one_to_call(host: str, url: str) -> None:
    assert url_of(host, 8000) == url


class OneGoodPath(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_only_200_counts_as_an_answer_and_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with HTTPServer(("127.0.0.1", 0), OneGoodPath) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.server_port

        results = [answers("127.0.0.1", port, path) for path in ("/readyz", "/other")]

        server.shutdown()
        thread.join()
    assert results == [True, False]
    assert not answers("127.0.0.1", port, "/readyz")

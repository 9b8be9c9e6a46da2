"""Certificates of our own: accepted for their hosts by clients that trust the authority."""

import socket
import ssl
import stat
import threading

import pytest
from django.core.management import call_command

from venues.doors.certificates import files_in, make_files


@pytest.fixture
def files(tmp_path):
    return make_files(tmp_path, ["127.0.0.1", "localhost"])


def greeted(files, host):
    """Return what a TLS client that trusts the authority reads from a server under a name."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(files.certificate, files.key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            connection, _ = listening.accept()
            with connection, server.wrap_socket(connection, server_side=True) as secured:
                secured.sendall(b"hello")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        client = ssl.create_default_context(cafile=files.authority)
        with (
            socket.create_connection(listening.getsockname()) as plain,
            client.wrap_socket(plain, server_hostname=host) as secured,
        ):
            return secured.recv(5)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_clients_that_trust_the_authority_accept_the_hosts(files, host):
    assert greeted(files, host) == b"hello"


def test_a_second_certificate_is_signed_by_the_same_authority(files):
    authority = files.authority.read_bytes()
    again = make_files(files.authority.parent, ["door.example"])
    assert again.authority.read_bytes() == authority


def test_only_the_owner_may_read_the_keys(files):
    for path in (files.key, files.authority.with_suffix(".key")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_certify_writes_the_files_and_says_how_to_use_them(tmp_path, capsys):
    call_command("certify", str(tmp_path / "tls"), hosts=["127.0.0.1"])
    files = files_in(tmp_path / "tls")
    assert all(path.exists() for path in files)
    assert f"--tls {files.certificate} {files.key}" in capsys.readouterr().out

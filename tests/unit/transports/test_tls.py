"""TLS: certificates are checked against the bundle of the connection, and a process makes one context for it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.double import Answer, GraphDouble
from support.drivers import Driver
from support.fetch_helpers import make_query

from airflow_provider_msginsights.exceptions import ConfigurationError, TransportError
from airflow_provider_msginsights.insights.fetch.retry_policy import RetryPolicy
from airflow_provider_msginsights.insights.flows import fetch_insights
from airflow_provider_msginsights.transports.clients import ssl_context
from airflow_provider_msginsights.transports.settings import TransportSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def write_certificate(folder: Path) -> Path:
    """A certificate for this machine that vouches for itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "msginsights test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def secure_double(certificate: Path) -> Iterator[GraphDouble]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with GraphDouble(lambda _: Answer(document={"data": []}), tls=context) as double:
        yield double


@pytest.fixture(params=["blocking", "nonblocking"])
def driver(request: pytest.FixtureRequest, secure_double: GraphDouble) -> Driver:
    return Driver(request.param, host=secure_double.url)


ONCE = RetryPolicy(max_attempts=1)


def test_a_server_the_bundle_vouches_for_is_trusted(driver: Driver, certificate: Path) -> None:
    driver.extra = {"ca_bundle": str(certificate)}
    assert driver.run(fetch_insights(make_query(pages=3), policy=ONCE)).empty


def test_the_environment_may_name_the_bundle(
    driver: Driver, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert driver.run(fetch_insights(make_query(), policy=ONCE)).empty


def test_a_server_nobody_vouches_for_is_refused(driver: Driver, secure_double: GraphDouble) -> None:
    with pytest.raises(TransportError, match="TLS handshake failed"):
        driver.run(fetch_insights(make_query(), policy=ONCE))
    assert secure_double.heard == []


def test_a_bundle_that_cannot_be_read_is_named(driver: Driver) -> None:
    driver.extra = {"ca_bundle": "/nowhere/ca.pem"}
    with pytest.raises(ConfigurationError, match="check ca_bundle in the connection's extra"):
        driver.run(fetch_insights(make_query(), policy=ONCE))


def test_a_process_makes_one_context_for_a_bundle(certificate: Path) -> None:
    usual: Any = TransportSettings()
    assert ssl_context(usual) is ssl_context(TransportSettings())
    own = TransportSettings(ca_bundle=str(certificate))
    assert ssl_context(own) is ssl_context(own)
    assert ssl_context(own) is not ssl_context(usual)
    assert ssl_context(TransportSettings(ca_bundle=str(certificate.parent))).verify_mode is ssl.CERT_REQUIRED


def test_without_tls_no_certificates_are_read_and_none_would_be_trusted(certificate: Path) -> None:
    plain = TransportSettings(base_url="http://127.0.0.1:8099")
    context = ssl_context(plain)
    assert context.cert_store_stats()["x509"] == 0
    assert context.verify_mode is ssl.CERT_REQUIRED
    behind_tls = TransportSettings(base_url="http://graph.example", proxy="https://proxy.example:3128")
    assert ssl_context(behind_tls) is ssl_context(TransportSettings())
    named = TransportSettings(base_url=plain.base_url, ca_bundle=str(certificate))
    assert ssl_context(named).cert_store_stats()["x509"] == 1

"""A bucket or container of each store, looked at by plain HTTP: nothing of the libraries under test, and no thread."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlencode

from support import s3_server

if TYPE_CHECKING:
    from pathlib import Path

S3_SIGNATURE = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
"""Whose request it is; moto checks no more."""

AZURE_ACCOUNT = "devstoreaccount1"
# Azurite's own, published by Microsoft for everyone's tests.
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass
class Place:
    """A directory of a store; names of files are relative to it.

    :param directory: the key of the directory.
    """

    endpoint: str
    bucket: str
    directory: str = "insights"
    parameters: dict[str, Any] = field(init=False)
    shown: str = field(init=False)
    """How a manifest names the directory."""

    scheme: ClassVar[str]
    rights: ClassVar[dict[str, str]]
    """What the refusal of an action names."""

    def __post_init__(self) -> None:
        self.parameters = {"output_path": self.url, "output_conn_id": "warehouse"}
        self.shown = f"{self.scheme}://warehouse@{self.bucket}/{self.directory}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.directory}"

    @property
    def connection(self) -> str:
        """The JSON of an Airflow connection to the store, for an environment variable."""
        raise NotImplementedError

    def create(self) -> None:
        """Make the bucket, unless there is one."""
        raise NotImplementedError

    def versions(self) -> dict[str, Any]:
        """Every file of the directory, with something that is another once the file was replaced."""
        raise NotImplementedError

    def read(self, name: str) -> bytes:
        return self._call("GET", self._address(name))

    def put(self, name: str, data: bytes) -> None:
        raise NotImplementedError

    def fill(self, old: Path) -> None:
        """Make the directory a copy of this folder."""
        self.create()
        for path in old.rglob("*"):
            if path.is_file():
                self.put(str(path.relative_to(old)), path.read_bytes())

    def _address(self, name: str) -> str:
        raise NotImplementedError

    def _headers(self) -> dict[str, str]:
        return {"Content-Type": "application/octet-stream"}  # else taken for a form

    def _call(self, method: str, url: str, data: bytes | None = None, **headers: str) -> bytes:
        request = urllib.request.Request(url, data=data, method=method, headers=self._headers() | headers)  # noqa: S310 - the test's own server
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310 - the test's own server
                body: bytes = answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 409:  # there is one
                return b""
            raise
        return body


class S3Place(Place):
    scheme = "s3"
    rights: ClassVar[dict[str, str]] = {"read": "s3:GetObject", "write": "s3:PutObject"}

    @property
    def connection(self) -> str:
        return s3_server.airflow_connection(self.endpoint)

    def create(self) -> None:
        self._call("PUT", f"{self.endpoint}/{self.bucket}")

    def versions(self) -> dict[str, Any]:
        url = f"{self.endpoint}/{self.bucket}?list-type=2&prefix={quote(self.directory)}/"
        found = re.findall(r"<Key>(.*?)</Key>.*?<ETag>(.*?)</ETag>", self._call("GET", url).decode(), flags=re.DOTALL)
        return {html.unescape(key).removeprefix(f"{self.directory}/"): etag for key, etag in found}

    def put(self, name: str, data: bytes) -> None:
        self._call("PUT", self._address(name), data)

    def _headers(self) -> dict[str, str]:
        return super()._headers() | {"Authorization": S3_SIGNATURE}

    def _address(self, name: str) -> str:
        return f"{self.endpoint}/{self.bucket}/{quote(f'{self.directory}/{name}')}"


class GcsPlace(Place):
    scheme = "gs"
    rights: ClassVar[dict[str, str]] = {"read": "storage.objects.get", "write": "storage.objects.create"}

    @property
    def connection(self) -> str:
        extra = {"is_anonymous": True, "project": "tests-of-stores", "gcs.endpoint": self.endpoint}
        return json.dumps({"conn_type": "google_cloud_platform", "extra": extra})

    def create(self) -> None:
        url = f"{self.endpoint}/storage/v1/b?project=tests-of-stores"
        self._call("POST", url, json.dumps({"name": self.bucket}).encode(), **{"Content-Type": "application/json"})

    def versions(self) -> dict[str, Any]:
        asked = urlencode({"prefix": f"{self.directory}/", "maxResults": 1000})
        found = json.loads(self._call("GET", f"{self.endpoint}/storage/v1/b/{self.bucket}/o?{asked}"))
        return {item["name"].removeprefix(f"{self.directory}/"): item["generation"] for item in found.get("items", [])}

    def put(self, name: str, data: bytes) -> None:
        asked = urlencode({"uploadType": "media", "name": f"{self.directory}/{name}"})
        self._call("POST", f"{self.endpoint}/upload/storage/v1/b/{self.bucket}/o?{asked}", data)

    def _address(self, name: str) -> str:
        key = quote(f"{self.directory}/{name}", safe="")
        return f"{self.endpoint}/storage/v1/b/{self.bucket}/o/{key}?alt=media"


class AzurePlace(Place):
    scheme = "abfs"
    rights: ClassVar[dict[str, str]] = dict.fromkeys(("read", "write"), "Storage Blob Data Contributor")

    @property
    def connection(self) -> str:
        endpoint = f"{self.endpoint}/{AZURE_ACCOUNT}"
        words = (
            f"DefaultEndpointsProtocol=http;AccountName={AZURE_ACCOUNT};AccountKey={AZURE_KEY};BlobEndpoint={endpoint};"
        )
        return json.dumps({"conn_type": "wasb", "extra": {"connection_string": words}})

    def create(self) -> None:
        self._call("PUT", f"{self._container}?restype=container&{self._signature}", b"")

    def versions(self) -> dict[str, Any]:
        asked = urlencode({"restype": "container", "comp": "list", "prefix": f"{self.directory}/"})
        listing = self._call("GET", f"{self._container}?{asked}&{self._signature}").decode()
        found = re.findall(r"<Name>(.*?)</Name>.*?<Etag>(.*?)</Etag>", listing, flags=re.DOTALL | re.IGNORECASE)
        return {html.unescape(name).removeprefix(f"{self.directory}/"): etag for name, etag in found}

    def put(self, name: str, data: bytes) -> None:
        self._call("PUT", self._address(name), data, **{"x-ms-blob-type": "BlockBlob"})

    @property
    def _container(self) -> str:
        return f"{self.endpoint}/{AZURE_ACCOUNT}/{self.bucket}"

    @property
    def _signature(self) -> str:
        """Sign for everything in the account for an hour (Microsoft's "Create an account SAS")."""
        until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        fields = {"sv": "2019-12-12", "ss": "b", "srt": "sco", "sp": "rwdlac", "se": until, "spr": "https,http"}
        order = ("sp", "ss", "srt", "", "se", "", "spr", "sv", "")
        text = "".join(f"{value}\n" for value in (AZURE_ACCOUNT, *(fields.get(name, "") for name in order[:-1])))
        digest = hmac.new(base64.b64decode(AZURE_KEY), text.encode(), hashlib.sha256).digest()
        return urlencode(fields | {"sig": base64.b64encode(digest).decode()})

    def _headers(self) -> dict[str, str]:
        return super()._headers() | {"x-ms-version": "2019-12-12", "x-ms-date": formatdate(usegmt=True)}

    def _address(self, name: str) -> str:
        return f"{self._container}/{quote(f'{self.directory}/{name}')}?{self._signature}"


def place_of(store: str, endpoint: str, bucket: str, directory: str = "insights") -> Place:
    """Give a bucket of the store."""
    return {"s3": S3Place, "gcs": GcsPlace, "azure": AzurePlace}[store](endpoint, bucket, directory)

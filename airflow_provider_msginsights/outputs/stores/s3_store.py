"""S3 and stores that speak its API: a file is replaced if its ETag still is the one that was listed.

Conditions of puts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
Conditions of removals: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow_provider_msginsights.exceptions import ConfigurationError, StorageError
from airflow_provider_msginsights.outputs.stores.errors import ReplacedMeanwhileError, as_our_errors, codes_of
from airflow_provider_msginsights.outputs.stores.store import Entry, Store

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFUSED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "OperationAborted", "409", "412"})
_GONE = frozenset({"NoSuchKey", "404"})
_UNKNOWN_CONDITION = frozenset({"NotImplemented", "501", "InvalidArgument", "InvalidRequest"})
"""What stores answer that know S3's API but not its conditions."""
_NO_ETAG = '"00000000000000000000000000000000"'
_READ_IN_PIECES_BYTES = 2**20
"""No version of s3fs reads smaller objects in pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Store(Store):
    """Objects below a prefix of a bucket."""

    has_conditions: ClassVar[bool | None] = None

    def create(self, name: str, data: bytes) -> bytes:
        """Store the object unless there is one; where the store or botocore knows no such condition, look first."""
        with as_our_errors(self.shown_path(name), "write"):
            if not self._creates(name, data) and self._look_at(name) is None:
                self.fs.pipe_file(self._path(name), data)
        return self._read_made(name)

    def _creates(self, name: str, data: bytes) -> bool:
        """Create the object unless there is one; tell whether the store and botocore can do that."""
        knows_conditions = self.conditional and self._client_sends_conditions()
        return knows_conditions and self._is_stored(name, data, None) is not None

    def probe_conditions(self, name: str, data: bytes) -> bool:
        """Return whether a second creation, and a replacement of a version that never was, are refused."""
        if not self._client_sends_conditions():
            return False
        with as_our_errors(self.shown_path(name), "write"):
            return all(self._is_stored(name, data, entry) is False for entry in (None, Entry(0, _NO_ETAG)))

    def _is_stored(self, name: str, data: bytes, entry: Entry | None) -> bool | None:
        """Put an object if it is the version of an entry; ``None`` where the store does not know the condition."""
        try:
            self._put_if(name, data, entry)
        except ReplacedMeanwhileError:
            return False
        except Exception as error:
            if codes_of(error) & _UNKNOWN_CONDITION:
                return None
            raise
        return True

    def list_below(self, prefix: str) -> dict[str, Entry]:
        """List the files in all folders whose names begin with a prefix; see `Store.list_below`."""
        return self._found_below(prefix)

    def _entry_of(self, listed: Mapping[str, Any]) -> Entry:
        return Entry(listed.get("size") or 0, listed.get("ETag") or None)

    def _read(self, path: str, size_bytes: int) -> bytes:
        """Read a large object by one request too: several, for its pieces, may meet several versions of it."""
        knows_pieces = "max_concurrency" in inspect.signature(self.fs.cat_file).parameters
        in_one = {"max_concurrency": 1} if knows_pieces and size_bytes >= _READ_IN_PIECES_BYTES else {}
        return cast("bytes", self.fs.cat_file(path, **in_one))

    def _put_if(self, name: str, data: bytes, entry: Entry | None) -> None:
        if entry is not None and self.conditional and entry.version is None:
            entry = self._look_at(name)
        # In several pieces, which s3fs makes of large objects, the condition would be lost.
        in_one_piece = {"chunksize": max(len(data), 1)}
        try:
            self.fs.pipe_file(self._path(name), data, **in_one_piece, **self._condition(name, entry))
        except FileExistsError:
            raise ReplacedMeanwhileError from None
        except Exception as error:
            codes = codes_of(error)
            if codes & _REFUSED or (entry is not None and codes & _GONE and "NoSuchBucket" not in codes):
                raise ReplacedMeanwhileError from None
            raise

    @property
    def removes_conditionally(self) -> bool:
        """Whether botocore sends the condition, and the store honours those of puts."""
        return self.conditional and self._client_sends("DeleteObject", {"IfMatch"})

    def _remove_if(self, name: str, entry: Entry) -> None:
        if self.removes_conditionally and entry.version is None:
            raise StorageError(f"The store names no version of {self.shown_path(name)}; nothing was removed.")
        path = self._path(name)
        bucket, _, key = path.partition("/")
        condition = {"IfMatch": str(entry.version)} if self.removes_conditionally else {}
        try:
            self.fs.call_s3("delete_object", Bucket=bucket, Key=key, **condition)
        except FileNotFoundError:
            pass
        except Exception as error:
            codes = codes_of(error)
            if codes & _REFUSED:
                raise ReplacedMeanwhileError from None
            if not (codes & _GONE and "NoSuchBucket" not in codes):
                raise
        self.fs.invalidate_cache(path)

    def _condition(self, name: str, entry: Entry | None) -> dict[str, str]:
        if not self.conditional:
            return {}
        if not self._client_sends_conditions():
            raise ConfigurationError(
                f"The botocore installed here sends no conditions to S3, so {self.shown_path(name)} could lose the "
                "rows of another task. Upgrade it: pip install -U 'airflow-provider-msginsights[s3]'",
                error_id="MSGI-storage-unconditional",
            )
        if entry is None:
            return {"IfNoneMatch": "*"}
        if entry.version is None:
            raise StorageError(f"The store names no version of {self.shown_path(name)}; nothing was replaced.")
        return {"IfMatch": str(entry.version)}

    def _client_sends_conditions(self) -> bool:
        """Return whether botocore knows the conditions; s3fs leaves out, without a word, what it does not know."""
        return self._client_sends("PutObject", {"IfMatch", "IfNoneMatch"})

    def _client_sends(self, operation: str, conditions: set[str]) -> bool:
        model = self.fs.s3.meta.service_model.operation_model(operation)
        return bool(model.input_shape.members.keys() >= conditions)

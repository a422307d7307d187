"""What a store raises, as one of our errors that names the file: the one place where that is decided.

What a person must fix (a right, a bucket, a region) is a `ConfigurationError`; everything else may pass, so it is a
`StorageError`, which a task retries. The libraries of the stores are not imported: their errors are known by the codes
they carry, from https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and its siblings.
"""

from __future__ import annotations

import contextlib
import errno
import re
from typing import TYPE_CHECKING, Literal

from airflow_provider_msginsights.exceptions import ConfigurationError, MessagingInsightsError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

Action = Literal["list", "read", "write", "remove"]

_PASSING = frozenset({
    "BadDigest", "ExpiredToken", "IncompleteBody", "InternalError", "OperationAborted", "RequestTimeout",
    "RequestTimeTooSkewed", "ServiceUnavailable", "SlowDown", "TokenRefreshRequired", "XAmzContentSHA256Mismatch",
    "408", "409", "412", "425", "429",
})  # fmt: skip
_NOT_ALLOWED = frozenset({
    "AccessDenied", "AllAccessDisabled", "AccountProblem", "InvalidAccessKeyId", "InvalidSecurity", "InvalidToken",
    "SignatureDoesNotMatch", "UnauthorizedAccess", "401", "403",
})  # fmt: skip
_NO_CREDENTIALS = re.compile(r"(NoCredentials|PartialCredentials|DefaultCredentials|ClientAuthentication|NoAuthToken)")
"""In names of exceptions of the stores' libraries."""
_NO_PLACE = frozenset({"NoSuchBucket", "ContainerNotFound"})
_FOREIGN_ERRNOS = frozenset(
    {errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.EREMCHG}
)
_RIGHTS: dict[str, dict[Action, str]] = {
    "s3": {
        "list": "s3:ListBucket on the bucket",
        "read": "s3:GetObject on the object, and s3:ListBucket on the bucket",
        "write": "s3:PutObject on the object",
        "remove": "s3:DeleteObject on the object",
    },
    "gs": {
        "list": "storage.objects.list",
        "read": "storage.objects.get",
        "write": "storage.objects.create, and storage.objects.delete to replace objects",
        "remove": "storage.objects.delete",
    },
    "abfs": dict.fromkeys(("list", "read", "write", "remove"), "the role Storage Blob Data Contributor"),
}
_SAME_RIGHTS = {"s3a": "s3", "gcs": "gs", "abfss": "abfs", "az": "abfs", "adl": "abfs"}
_LONGEST_WORDS = 200
_SIGNED = re.compile(r"\?\S+|\b(?:sig|token|signature|password|secret)=\S+", re.IGNORECASE)


class ReplacedMeanwhileError(Exception):
    """The file is not the version any more that was read; only `Store.update` and its helpers meet this."""


class ListedButNotFoundError(Exception):
    """A listing shows the file and reading finds none; only `Store.update` and its helpers meet this."""


@contextlib.contextmanager
def as_our_errors(shown_path: str, action: Action, *, of: type[Exception] = Exception) -> Iterator[None]:
    """Turn what a store raises in the block into our own errors.

    :param shown_path: the file or folder, as a person writes it.
    :param of: what counts as the store's; `OSError` where the block does more than to call it.
    :raises ConfigurationError: when a person must act: a right, a bucket or a region.
    :raises StorageError: for everything else.
    """
    try:
        yield
    except (MessagingInsightsError, ReplacedMeanwhileError, ListedButNotFoundError, MemoryError):
        raise
    except of as error:
        raise error_of_store(error, shown_path, action) from None


def error_of_store(error: Exception, shown_path: str, action: Action) -> MessagingInsightsError:
    """Return our error for one of a store's."""
    codes = codes_of(error)
    what = f"{_named(shown_path)} could not be {_DONE[action]}: {_words(error, codes)}"
    if codes & _PASSING:
        return StorageError(f"{what}. That may pass: retry the task.")
    if isinstance(error, PermissionError) or codes & _NOT_ALLOWED or _NO_CREDENTIALS.search(type(error).__name__):
        return ConfigurationError(f"{what}. {_right(shown_path, action)}", error_id="MSGI-storage-denied")
    if codes & _NO_PLACE or (
        isinstance(error, FileNotFoundError) and action == "write" and _bucket_and_key(shown_path)
    ):
        return ConfigurationError(
            f"{what}. Create the bucket or container, or choose another output_path.", error_id="MSGI-storage-missing"
        )
    if _cannot_pass(error, codes):
        return ConfigurationError(
            f"{what}. Choose another output_path, or correct the connection of the storage.",
            error_id="MSGI-storage-refused",
        )
    return StorageError(f"{what}. That may pass: retry the task.")


_DONE: dict[Action, str] = {"list": "listed", "read": "read", "write": "stored", "remove": "removed"}


def codes_of(error: BaseException) -> frozenset[str]:
    """Return the codes, as words or HTTP statuses, that a store's error or what caused it carries."""
    found: set[str] = set()
    seen: BaseException | None = error
    while seen is not None:
        response = getattr(seen, "response", None)
        if isinstance(response, dict):
            found.add(str(response.get("Error", {}).get("Code")))
            found.add(str(response.get("ResponseMetadata", {}).get("HTTPStatusCode")))
        for name in ("error_code", "code", "status_code", "status"):
            if isinstance(value := getattr(seen, name, None), str | int):
                found.add(str(getattr(value, "value", value)))
        if isinstance(seen, OSError) and seen.errno is None and str(seen).startswith("Forbidden:"):
            found.add("403")  # gcsfs leaves nothing of the status but this word
        seen = seen.__cause__
    return frozenset(found - {"None"})


def _cannot_pass(error: Exception, codes: frozenset[str]) -> bool:
    if isinstance(error, OSError) and error.errno in _FOREIGN_ERRNOS:
        return True
    if isinstance(error, ValueError | TypeError) or "ParamValidation" in type(error).__name__:
        return True
    return any(len(code) == 3 and code.startswith(("3", "4")) and code != "404" for code in codes)  # noqa: PLR2004 - a status


def _named(shown_path: str) -> str:
    """Name the file, and in a store of objects the bucket and key too."""
    if (found := _bucket_and_key(shown_path)) is None:
        return shown_path
    return f"{shown_path} (bucket {found[0]!r}, key {found[1]!r})"


def _bucket_and_key(shown_path: str) -> tuple[str, str] | None:
    """Take the path of an object apart; ``None`` for a file of this machine."""
    scheme, found, place = shown_path.partition("://")
    if not found or scheme in {"file", "local"}:
        return None
    bucket, _, key = place.partition("/")
    return bucket.rpartition("@")[2], key


def _right(shown_path: str, action: Action) -> str:
    scheme = shown_path.partition("://")[0] if "://" in shown_path else "file"
    rights = _RIGHTS.get(_SAME_RIGHTS.get(scheme, scheme))
    if rights is None:
        return "Let the user that the task runs as read and write there, or choose another output_path."
    return (
        f"The identity of output_conn_id, or without one the worker's own, must be known there and needs "
        f"{rights[action]}."
    )


def _words(error: Exception, codes: frozenset[str]) -> str:
    """Return the store's own words on one line, without what may be a signature in a URL."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = " ".join(_SIGNED.sub("***", text).split()).rstrip(".")
    text = f"{text[:_LONGEST_WORDS]}…" if len(text) > _LONGEST_WORDS else text
    return ", ".join([type(error).__name__, *sorted(codes), *([text] if text else [])])

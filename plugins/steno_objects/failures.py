"""What a store of objects answers when it does not do as it was asked, in one sentence with its remedy.

No sentence repeats what the store or a library says, which may name keys and signatures; the error itself stays as
the cause.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    SSLError,
    UnauthorizedSSOTokenError,
)
from botocore.exceptions import (
    ConnectionError as NotConnected,
)
from steno.errors import InvalidValue, NotFound, StenoError, StoreError, StoreReadOnly, StoreUnavailable

from steno_objects.retries import GoneMeanwhile

_KEYS = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
_NONE = frozenset({"NoSuchKey", "NotFound", "404", "NoSuchVersion"})
_WRONG_KEYS = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthFailure", "InvalidSecurity"})
_OLD_KEYS = frozenset({"ExpiredToken", "TokenRefreshRequired", "InvalidToken", "ExpiredTokenException"})
_ELSEWHERE = frozenset(
    """301 307 PermanentRedirect TemporaryRedirect Redirect AuthorizationHeaderMalformed
    IllegalLocationConstraintException AuthorizationQueryParametersError""".split()
)
_PASSES = frozenset(
    """InternalError ServiceUnavailable SlowDown RequestTimeout Throttling ThrottlingException
    RequestThrottled TooManyRequests RequestLimitExceeded BandwidthLimitExceeded OperationAborted BadDigest
    IncompleteBody XAmzContentSHA256Mismatch XAmzContentChecksumMismatch PreconditionFailed
    412 ConditionalRequestConflict""".split()
)
_BEGUN = frozenset({"NoSuchUpload", "InvalidPart", "InvalidPartOrder"})
_NO_KEYS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, UnauthorizedSSOTokenError)
_AWAY = (NotConnected, HTTPClientError, IncompleteReadError, ConnectionError, TimeoutError)


def code_of(error: BaseException | None) -> str:
    """Return the store's own word for what went wrong, "" if it did not say one."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def told(error: Exception, bucket: str, endpoint: str) -> StenoError:
    """Return the error that says what happened with a bucket.

    Args:
        error: What botocore, or what lies below it, raised.
        bucket: Which.
        endpoint: Where it was asked for, "" for where Amazon keeps it.
    """
    place = f"s3://{bucket}" + (f" at {endpoint}" if endpoint else "")
    if isinstance(error, ClientError):
        return _refusal(error, bucket, place)
    if isinstance(error, _NO_KEYS):
        return StoreError(
            f"there are no credentials for {place}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        )
    if isinstance(error, ProfileNotFound | NoRegionError):
        return StoreError(f"{place} cannot be asked: {error} (check AWS_PROFILE and AWS_DEFAULT_REGION)")
    if isinstance(error, SSLError):
        return StoreError(
            f"{place} shows a certificate that is not trusted: name its authority in AWS_CA_BUNDLE, or set "
            "STENO_S3_IGNORE_TLS=true"
        )
    if isinstance(error, ProxyConnectionError):
        return StoreUnavailable(f"{place} was not reached: the proxy refuses; check HTTPS_PROXY and NO_PROXY")
    if isinstance(error, ParamValidationError):
        return InvalidValue(f"{place} cannot be asked: {error}")
    if isinstance(error, _AWAY) or type(error).__module__.startswith("aiohttp"):
        return StoreUnavailable(
            f"{place} was not reached ({type(error).__name__}): check the network and STENO_S3_ENDPOINT_URL"
        )
    if isinstance(error, BotoCoreError | ValueError | OSError):
        return StoreError(f"{place} cannot be asked: {type(error).__name__}: {error}")
    raise error


def _refusal(error: ClientError, bucket: str, place: str) -> StenoError:
    answer: dict[str, Any] = dict(error.response)
    code = code_of(error)
    about = answer.get("ResponseMetadata", {})
    status = int(about.get("HTTPStatusCode", 0))
    action = error.operation_name
    if code in _NONE:
        return NotFound(f"there is no such object in {place}")
    if code in _BEGUN:
        return GoneMeanwhile(f"{place} no longer has what was sent of a file ({code}): send it again")
    if code == "NoSuchBucket":
        return StoreError(f"there is no bucket {bucket!r} ({place}): create it, or choose another artifact location")
    if code in _WRONG_KEYS:
        return StoreError(f"{place} does not know these credentials ({code}): {_KEYS}")
    if code in _OLD_KEYS:
        return StoreError(f"the credentials for {place} have expired ({code}): renew AWS_SESSION_TOKEN or the login")
    if code == "RequestTimeTooSkewed":
        return StoreError(f"{place} refuses requests of another time: set this machine's clock right")
    if code in _ELSEWHERE:
        region = about.get("HTTPHeaders", {}).get("x-amz-bucket-region") or answer.get("Error", {}).get("Region")
        return StoreError(
            f"{place} is in {f'the region {region}' if region else 'another region'} ({code}): set "
            f"AWS_DEFAULT_REGION{f'={region}' if region else ' to it'}"
        )
    if code in _PASSES or (status >= 500 and code != "NotImplemented") or status == 429:
        return StoreUnavailable(f"{place} did not do {action} ({code or status}); it may work later")
    if status in (401, 403) or code in ("AccessDenied", "AllAccessDisabled", "403"):
        return StoreReadOnly(f"{place} denies {action}: give these credentials that permission, or use others")
    return StoreError(f"{place} refuses {action} ({code or status})")

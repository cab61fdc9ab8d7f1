"""The errors of the API, one class each."""

from multi_tenant_db.errors.ambiguous_headers import AmbiguousHeaders
from multi_tenant_db.errors.application_error import ApplicationError
from multi_tenant_db.errors.authentication_required import AuthenticationRequired
from multi_tenant_db.errors.body_too_large import BodyTooLarge
from multi_tenant_db.errors.body_too_slow import BodyTooSlow
from multi_tenant_db.errors.database_unavailable import DatabaseUnavailable
from multi_tenant_db.errors.headers_too_large import HeadersTooLarge
from multi_tenant_db.errors.idempotency_key_reused import IdempotencyKeyReused
from multi_tenant_db.errors.internal_error import InternalError
from multi_tenant_db.errors.invalid_request import InvalidRequest
from multi_tenant_db.errors.malformed_json import MalformedJson
from multi_tenant_db.errors.malformed_precondition import MalformedPrecondition
from multi_tenant_db.errors.malformed_request import MalformedRequest
from multi_tenant_db.errors.method_not_allowed import MethodNotAllowed
from multi_tenant_db.errors.name_taken import NameTaken
from multi_tenant_db.errors.operation_not_permitted import OperationNotPermitted
from multi_tenant_db.errors.parent_not_found import ParentNotFound
from multi_tenant_db.errors.precondition_failed import PreconditionFailed
from multi_tenant_db.errors.preflight_refused import PreflightRefused
from multi_tenant_db.errors.read_only_token import ReadOnlyToken
from multi_tenant_db.errors.request_in_progress import RequestInProgress
from multi_tenant_db.errors.request_timed_out import RequestTimedOut
from multi_tenant_db.errors.route_not_found import RouteNotFound
from multi_tenant_db.errors.service_overloaded import ServiceOverloaded
from multi_tenant_db.errors.subsidiary_quota_reached import SubsidiaryQuotaReached
from multi_tenant_db.errors.target_too_long import TargetTooLong
from multi_tenant_db.errors.tenant_has_subsidiaries import TenantHasSubsidiaries
from multi_tenant_db.errors.tenant_not_found import TenantNotFound
from multi_tenant_db.errors.too_many_requests import TooManyRequests
from multi_tenant_db.errors.unsupported_media_type import UnsupportedMediaType

__all__ = [
    "AmbiguousHeaders",
    "ApplicationError",
    "AuthenticationRequired",
    "BodyTooLarge",
    "BodyTooSlow",
    "DatabaseUnavailable",
    "HeadersTooLarge",
    "IdempotencyKeyReused",
    "InternalError",
    "InvalidRequest",
    "MalformedJson",
    "MalformedPrecondition",
    "MalformedRequest",
    "MethodNotAllowed",
    "NameTaken",
    "OperationNotPermitted",
    "ParentNotFound",
    "PreconditionFailed",
    "PreflightRefused",
    "ReadOnlyToken",
    "RequestInProgress",
    "RequestTimedOut",
    "RouteNotFound",
    "ServiceOverloaded",
    "SubsidiaryQuotaReached",
    "TargetTooLong",
    "TenantHasSubsidiaries",
    "TenantNotFound",
    "TooManyRequests",
    "UnsupportedMediaType",
]

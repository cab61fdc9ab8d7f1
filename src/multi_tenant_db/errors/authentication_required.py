"""401: no valid token."""

from multi_tenant_db.errors.application_error import ApplicationError


class AuthenticationRequired(ApplicationError):
    """The token is missing, unknown, expired or revoked; the response does not say which."""

    status = 401
    code = "authentication_required"
    title = "Authentication is required"
    detail = "Send a valid access token: 'Authorization: Bearer <token>'. Tokens expire and can be revoked."

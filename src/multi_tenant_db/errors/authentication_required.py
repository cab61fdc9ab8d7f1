"""401: nobody is signed in."""

from multi_tenant_db.errors.application_error import ApplicationError


class AuthenticationRequired(ApplicationError):
    """No token, or one that is unknown, expired or revoked; the answer does not tell which."""

    status = 401
    code = "authentication_required"
    title = "Authentication is required"
    detail = "Send a valid access token: 'Authorization: Bearer <token>'. Tokens expire and can be revoked."

"""400: the body cannot be parsed."""

from multi_tenant_db.errors.application_error import ApplicationError


class MalformedJson(ApplicationError):
    """The body is not JSON, or JSON that two parsers could read differently (RFC 8259, section 4)."""

    status = 400
    code = "malformed_json"
    title = "The body is not valid JSON"
    detail = "Send one JSON object in UTF-8, without duplicate keys, NaN or Infinity."

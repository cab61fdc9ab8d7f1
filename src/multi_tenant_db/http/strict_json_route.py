"""A route on tenants' rows."""

from multi_tenant_db.http.authenticated_route import AuthenticatedRoute
from multi_tenant_db.http.whole_request_route import WholeRequestRoute


class StrictJsonRoute(WholeRequestRoute, AuthenticatedRoute):
    """Reads the whole request, its JSON strictly, before the caller signs in and a connection is taken."""

"""A route on tenants' rows."""

from multi_tenant_db.routers.signed_in_route import SignedInRoute
from multi_tenant_db.routers.whole_request_route import WholeRequestRoute


class StrictJsonRoute(WholeRequestRoute, SignedInRoute):
    """Reads the whole request, its JSON strictly, before the caller signs in and a connection is taken."""

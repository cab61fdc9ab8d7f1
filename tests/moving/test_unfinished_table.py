"""A move waits until every table is protected."""

import pytest

from multi_tenant_db.moving.move_error import MoveError
from tests.moving.filled import as_admin, filled_organization
from tests.moving.moved import moved
from tests.moving.traces import traces
from tests.moving.two_servers import HERE, THERE, TwoServers
from tests.support.accounts import execute_as_owner
from tests.support.registry import Registry

CREATE_TABLE = "CREATE TABLE tenancy.unfinished (organization_id uuid, tenant_id uuid NOT NULL)"
CREATE_TRIGGER = """
    CREATE TRIGGER unfinished BEFORE INSERT ON tenancy.unfinished
    FOR EACH ROW EXECUTE FUNCTION tenancy_private.look_up_organization()
"""


@pytest.mark.parametrize("label", [HERE, THERE])
async def test_it_does_not_move(both: TwoServers, registry_here: Registry, label: str) -> None:
    """Rows of a table that `mtdb table` works on, on either server, may lack their organisation, and would be lost."""
    hsbc = await filled_organization(both, registry_here)
    async with as_admin(both, label) as admin:
        await execute_as_owner(admin, CREATE_TABLE, CREATE_TRIGGER)
        try:
            with pytest.raises(MoveError, match=f"tenancy.unfinished on {label} is not protected yet"):
                await moved(both, hsbc.parent.tenant_id)
        finally:
            await admin.execute("DROP TABLE tenancy.unfinished")
    assert await traces(both) == []

"""What an answer must not hold: anything that names another organisation."""

from tests.support.organization import Organization
from tests.support.wire_answer import WireAnswer


def told_about(organization: Organization, *answers: WireAnswer) -> list[str]:
    """Return the ids, names and tokens of the organisation that stand anywhere in the answers."""
    text = "\n".join(f"{answer.headers}\n{answer.body.decode(errors='replace')}" for answer in answers).lower()
    told = []
    for party in organization.parties:
        known = (str(party.tenant_id), party.tenant_id.hex, party.name, party.token)
        told += [secret for secret in known if secret.lower() in text]
    return told

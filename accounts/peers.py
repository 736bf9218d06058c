"""Whether an organization is among the peers: its Designated Contact says so, from the next close on."""

from django.db import transaction

from accounts import audit
from accounts.access import Capability, able_to, hat_of, roles_in
from accounts.models import Action, Organization, User


@transaction.atomic
def choose(organization: Organization, *, contributes: bool, by: User) -> bool:
    """Whether that is new. The next close reads it; what was released stays as it is."""
    row = Organization.objects.select_for_update().get(pk=organization.pk)
    if row.contributes == contributes:
        return False
    row.contributes = organization.contributes = contributes
    row.save(update_fields=["contributes"])
    audit.record(
        Action.PEERS_CHOSEN,
        by=by,
        hat=hat_of(able_to(Capability.CHOOSE_PEERS, roles_in(by, organization))),
        organization=organization,
        target=organization,
        before={"contributes": not contributes},
        after={"contributes": contributes},
    )
    return True

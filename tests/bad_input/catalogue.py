"""The catalogue of nasty requests, each with the exact answer expected."""

from tests.bad_input.catalogue_of_bodies import BODIES
from tests.bad_input.catalogue_of_framings import FRAMINGS
from tests.bad_input.catalogue_of_heads import HEADS

CATALOGUE = [*BODIES, *HEADS, *FRAMINGS]

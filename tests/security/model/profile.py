"""How far the harnesses go in each attack profile."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """The machine makes `examples` runs of `steps` steps; the exhaustive test grows forests of up to `tenants`.

    In forests larger than `tenants_with_every_caller`, one tenant stands for all in the same position, and one
    dead token for all dead ones.
    """

    examples: int
    steps: int
    tenants: int
    tenants_with_every_caller: int
    repeatable: bool
    """Whether every run takes the same steps, so that it can never fail by bad luck."""

    least_steps: int
    """How many steps the machine has to have taken; a step compares every caller's view."""


PROFILES = {
    "part": Profile(examples=6, steps=30, tenants=2, tenants_with_every_caller=1, repeatable=True, least_steps=100),
    "short": Profile(examples=16, steps=40, tenants=3, tenants_with_every_caller=2, repeatable=True, least_steps=500),
    "long": Profile(
        examples=270, steps=50, tenants=6, tenants_with_every_caller=6, repeatable=False, least_steps=10_000
    ),
}

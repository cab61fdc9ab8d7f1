"""A standby that must not serve reads."""


class UnfitStandbyError(Exception):
    """Says why; all reads go to the primary."""

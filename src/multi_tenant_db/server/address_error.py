"""Why the service cannot listen."""


class AddressError(Exception):
    """An address cannot be listened on; the message names the settings."""

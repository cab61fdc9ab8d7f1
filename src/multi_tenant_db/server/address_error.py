"""The error of an unusable address."""


class AddressError(Exception):
    """The service cannot listen on the address; the message names the settings."""

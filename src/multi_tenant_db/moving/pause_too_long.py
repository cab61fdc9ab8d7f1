"""The error of a pause that is too short for the switch."""


class PauseTooLong(Exception):
    """The pause has ended before the switch; the organisation's writes go on at the source."""

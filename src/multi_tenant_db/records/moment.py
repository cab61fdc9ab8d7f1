"""Times in manifests and certificates."""

from datetime import datetime
from typing import Annotated

from pydantic import PlainSerializer

Moment = Annotated[datetime, PlainSerializer(datetime.isoformat, when_used="json")]
"""Written with its offset, as the commands write all times."""

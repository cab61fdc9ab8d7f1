"""Who is calling, and how it is proved."""

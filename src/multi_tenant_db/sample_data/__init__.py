"""Sample data: real banking groups with realistic metadata; the LEI-style identifiers (DEMO...) are fictitious."""

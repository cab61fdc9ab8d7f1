"""The bank story: real banking groups with realistic metadata; the LEI-style identifiers (DEMO...) are made up."""

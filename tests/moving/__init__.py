"""Moving an organisation between two servers."""

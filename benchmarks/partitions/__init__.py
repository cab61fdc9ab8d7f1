"""Measures hash partitions by organisation, under the policies of tenants' rows."""

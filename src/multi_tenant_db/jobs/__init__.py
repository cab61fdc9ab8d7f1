"""Work without a request: each session has a token that is issued for it and revoked after it."""

"""Texts that have broken other people's services."""

SQL = (
    "' OR '1'='1",
    "'; DROP TABLE tenancy.tenants; --",
    "1'; SELECT set_config('app.current_tenant', '', false); --",
    "') UNION SELECT token_hash FROM tenancy_private.access_tokens --",
    "\\'; DELETE FROM tenancy.tenants; --",
    "$$; COMMIT; DELETE FROM tenancy.tenants; $$",
    "x' || (SELECT string_agg(name, ',') FROM tenancy.tenants) || '",
    "%' AND 1=1 /*",
    "1 OR pg_sleep(10)",
    ":name %(name)s $1 {0} ${7*7} {{7*7}}",
)
UNICODE = (
    "\u02bc OR 1=1 --",  # a letter that some encodings turn into a quote
    "\uff07 OR 1=1 --",  # a full-width quote, which NFKC would turn into one
    "\uff28\uff33\uff22\uff23",  # full-width letters
    "HSB\u0421",  # a Cyrillic letter that looks like a Latin one
    "İstanbul ﬁnance ẞank",  # letters whose case or form changes their length
    "é" * 200,
    "\U0001f3e6",
)
INVISIBLE = (
    "\u202egnp.exe",  # written from right to left from here on
    "\u200bHSBC\ufeff",
    "HSBC\ufe0f",  # a variation selector, which the font ignores
    "\U0001d159",  # a musical note without a head
    "HS\u200dBC",  # a joiner between letters that need none
    "\ue000\U0010fffd",  # private use
)
"""Metadata may hold these, a name may not."""

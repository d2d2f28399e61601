"""The deliveries of the landlords and of ANGDM: from a file as it comes to rows that may be used.

Belongs here: contracts, reading, rules, quarantine, keyed identifiers, reports, the confidential store.
Does not: what is computed from the accepted rows (``indicators``), nor what may be shown (``disclosure``).

Delivered values are confidential: they stand in the store's own files, and in no error, log or metadata.
"""

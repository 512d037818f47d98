"""A finished call in the books: as a line for the spool, and as a row of the ledger of a gateway that stands alone."""

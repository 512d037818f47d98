"""The keys of a gateway, managed by people: made, limited, rotated and revoked in the admin."""

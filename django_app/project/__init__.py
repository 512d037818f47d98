"""The ready-made site: admin, gateway and routing on one port. ``creative-services up`` runs it."""

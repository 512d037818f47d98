"""The capability routing service: replicas register by staying connected, and callers are routed to one that can."""

from creative_services.server.replicas.service import RoutingService, routing_service

__all__ = ["RoutingService", "routing_service"]

"""Listeners: who wants to know what each call did, cost and took. None of them tells a prompt or an answer.

``DynamicLLMClient(registry, listeners=[LogListener(), PrometheusListener()])``
"""

from creative_services.telemetry.logs import JsonFormatter as JsonFormatter
from creative_services.telemetry.logs import LogListener as LogListener
from creative_services.telemetry.otel import OpenTelemetryListener as OpenTelemetryListener
from creative_services.telemetry.prometheus import PrometheusListener as PrometheusListener
from creative_services.telemetry.usage import UsageListener as UsageListener

__all__ = ["JsonFormatter", "LogListener", "OpenTelemetryListener", "PrometheusListener", "UsageListener"]

"""A page that asks a tier; which model that is, the admin says."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from creative_services import CreativeServicesError, DynamicLLMClient
from creative_services.adapters import DjangoLLMRegistry
from django_app.llms.usage import DjangoUsage

# It follows the table: an edit in the admin holds from the next call on, without a query here.
client = DynamicLLMClient(DjangoLLMRegistry(), listeners=[DjangoUsage()])


def describe(request: HttpRequest, product: str) -> HttpResponse:
    question = f"Describe a {product.replace('-', ' ')} for a shop window, in two sentences."
    try:
        response = client.generate_sync(question, tier="economy", user_id=str(request.user.pk or "visitor"))
    except CreativeServicesError as error:
        return JsonResponse({"error": str(error)}, status=503)
    return JsonResponse({"text": str(response), "model": response.llm.model, "cost": str(response.cost)})

from django.http import HttpRequest, HttpResponse
from sockgate import publish

from .models import Payment
from .wire import CURRENCY


def pay(request: HttpRequest) -> HttpResponse:
    payment = Payment.objects.create(payer=request.user, cents=int(request.POST["cents"]))
    publish(request.user, "paid", {"cents": payment.cents, "currency": CURRENCY})
    return HttpResponse(status=204)

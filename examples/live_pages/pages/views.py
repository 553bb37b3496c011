"""The views of the site. Without the lines between the markers it works, too: by reloading."""

from typing import Any

from django.contrib.auth.decorators import login_required, user_passes_test
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST
from sockgate import progress, publish_html, publish_to

from .models import Message, Notice, Order

staff_only = user_passes_test(lambda user: user.is_staff)


@login_required
def page(request: HttpRequest) -> HttpResponse:
    """Show the only page of the site."""
    orders = Order.objects.order_by("pk")
    context = {
        "orders": orders if request.user.is_staff else orders.filter(customer=request.user),
        "notices": Notice.objects.filter(user=request.user).count(),
        "messages": reversed(Message.objects.select_related("author").order_by("-pk")[:50]),
    }
    return render(request, "pages/page.html", context)


@login_required
@require_POST
def order(request: HttpRequest) -> HttpResponse:
    """Order something."""
    Order.objects.create(customer=request.user, what=request.POST["what"])
    return redirect("page")


@staff_only
@require_POST
def pay(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that an order is paid, and notify its customer."""
    order = get_object_or_404(Order, pk=pk)
    order.is_paid = True
    order.save()
    notify(order.customer, f"{order} is paid")
    return redirect("page")


@staff_only
@require_POST
def remind(request: HttpRequest) -> HttpResponse:
    """Remind the customers of their open orders, one after another."""
    orders = Order.objects.filter(is_paid=False)
    # begin progress
    with progress(request.user, total=len(orders), id="reminders") as bar:
        # end progress
        for order in orders:
            notify(order.customer, f"{order} is still open")
            # begin progress
            bar.advance()
            # end progress
    return redirect("page")


def notify(user: Any, text: str) -> None:
    """Keep a notice for a user."""
    notice = Notice.objects.create(user=user, text=text)
    count = Notice.objects.filter(user=user).count()
    # begin bell
    publish_html(user, "toasts", "pages/toast.html", {"notice": notice}, sequenced=True)
    publish_html(user, "bell", "pages/count.html", {"count": count}, "replace", sequenced=True)
    # end bell


@login_required
@require_POST
def say(request: HttpRequest) -> HttpResponse:
    """Say something in the chat."""
    message = Message.objects.create(author=request.user, text=request.POST["text"])
    # begin chat
    publish_html("chat", "said", "pages/message.html", {"message": message}, sequenced=True)
    # end chat
    return redirect("page")


@staff_only
@require_POST
def price(request: HttpRequest) -> HttpResponse:
    """Set the price that all see; a feed would call the same line."""
    # begin ticker
    publish_to("ticker:django", "price", {"price": request.POST["price"]})
    # end ticker
    return redirect("page")

"""The demo's URLs, and guarded pages."""

from project.urls import urlpatterns as demo

from tests.browser.guarded_site import urlpatterns as guarded

urlpatterns = [*demo, *guarded]

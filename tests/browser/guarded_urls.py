"""The demo's URLs, and guarded pages."""

from tests.browser.guarded_site import urlpatterns as guarded
from tests.e2e.demo_urls import urlpatterns as demo

urlpatterns = [*demo, *guarded]

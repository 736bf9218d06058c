"""Addresses of the endpoints of recommendations, below /api/v1/."""

from django.urls import path

from recommendations import api

urlpatterns = [
    path("organizations/<slug:slug>/recommendations/", api.recommendations, name="api-recommendations"),
    path(
        "organizations/<slug:slug>/recommendations/<uuid:public_id>/",
        api.recommendation,
        name="api-recommendation",
    ),
    path(
        "organizations/<slug:slug>/recommendations/<uuid:public_id>/move/",
        api.move,
        name="api-recommendation-move",
    ),
]

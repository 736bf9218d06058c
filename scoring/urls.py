"""Addresses of scoring's endpoints, below /api/v1/."""

from django.urls import path

from scoring import api

urlpatterns = [path("organizations/<slug:slug>/score/", api.score, name="api-score")]

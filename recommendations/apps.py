"""The app `recommendations`: what to do about a score."""

from django.apps import AppConfig


class RecommendationsConfig(AppConfig):
    name = "recommendations"

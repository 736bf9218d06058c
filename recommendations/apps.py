"""The app `recommendations`. It holds no story yet."""

from django.apps import AppConfig


class RecommendationsConfig(AppConfig):
    name = "recommendations"

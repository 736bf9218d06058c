"""What advice remembers: plays, recommendations and what became of them, roadmaps, and what was learned."""

from recommendations.models.advice import (
    LONGEST_NOTE,
    Change,
    Favorite,
    Horizon,
    Recommendation,
    RecommendationChange,
    Status,
)
from recommendations.models.coaching import CoachingRequest
from recommendations.models.learning import RankerVersion
from recommendations.models.playbook import PlaybookVersion
from recommendations.models.roadmaps import Roadmap, RoadmapItem

__all__ = [
    "LONGEST_NOTE",
    "Change",
    "CoachingRequest",
    "Favorite",
    "Horizon",
    "PlaybookVersion",
    "RankerVersion",
    "Recommendation",
    "RecommendationChange",
    "Roadmap",
    "RoadmapItem",
    "Status",
]

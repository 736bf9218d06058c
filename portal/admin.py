"""Django's own admin, as a window: scorecard versions, runs and quarantine, to look at and nothing else.

Only for administrators with a second factor in this session. Everything that changes something has a page, a
story and a line in the audit log of its own; here is no second door.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin, display
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, include, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import sessions
from accounts.access import ADMIN, admit, installation_roles
from portal.pages.house import house
from portal.templatetags.scores import day, moment
from scoring.models import Quarantine, ScorecardVersion, ScoringRun

ASKED = frozenset({"q", "p", "o", "e"})  # search, page, order, and Django's word that something was wrong


class Window(AdminSite):
    """The admin site without anything that changes, signs in or signs out."""

    site_header = site_title = "Scoring records"
    index_template = "admin/index.html"

    def has_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        is_admin = user.is_authenticated and user.is_active and ADMIN in installation_roles(user)
        return is_admin and has_second_factor(request)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """The view behind our own door; whoever is not signed in goes to our own sign-in."""

        @never_cache
        @require_safe
        def behind_the_door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            user: Any = request.user
            if not user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            admit(user, ADMIN)
            if not self.has_permission(request):
                raise PermissionDenied("This takes a second factor in this session.")
            return view(request, *args, **kwargs)

        return behind_the_door

    def get_urls(self) -> list[URLResolver | URLPattern]:
        urls: list[URLResolver | URLPattern] = [path("", self.admin_view(self.index), name="index")]
        for model, shown in self._registry.items():
            urls.append(path(f"{model._meta.model_name}/", include(shown.get_urls())))
        return urls

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {"house": house(request), "has_permission": True, "is_popup": False}  # type: ignore[arg-type]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        shown = [
            (model._meta.verbose_name_plural, reverse(f"admin:{named(model)}_changelist"), each.about)
            for model, each in self._registry.items()
            if isinstance(each, Shown)
        ]
        return TemplateResponse(request, "admin/index.html", {**self.each_context(request), "shown": shown})


class Shown(ModelAdmin):
    """A model to look at."""

    about = ""
    actions: Sequence[Any] | None = None
    view_on_site = False
    show_full_result_count = False
    list_per_page = 50
    change_list_template = "admin/change_list.html"
    change_form_template = "admin/change_form.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.admin_site.has_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def get_urls(self) -> list[URLPattern]:
        name, view = named(self.model), self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name=f"{name}_changelist"),
            path("<int:object_id>/", view(self.one), name=f"{name}_change"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list; what it was not asked for is left out of the address."""
        if set(request.GET) - ASKED:
            return redirect(request.path)
        response = super().changelist_view(request, {"about": self.about, "query": request.GET.get("q", "")})
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            changes = response.context_data["cl"]
            last = changes.paginator.num_pages
            for name, number in (("newer", min(changes.page_num - 1, last)), ("older", changes.page_num + 1)):
                there = changes.get_query_string({"p": number}) if 1 <= number <= last else ""
                response.context_data[name] = there
        return response

    def one(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """One row, in full."""
        if self.get_object(request, str(object_id)) is None:
            raise Http404("No such record.")
        return self.change_view(request, str(object_id))


def on(field: str, show: Callable[[Any], str] = moment) -> Callable[[Any], str]:
    """A column of days or moments, written as everywhere else."""

    @display(description=field.replace("_", " "), ordering=field, empty_value="–")
    def column(row: Any) -> str:
        value = getattr(row, field)
        return show(value) if value else "–"

    column.__name__ = f"{field}_shown"
    return column


PUBLISHED, EFFECTIVE = on("published_at"), on("effective_on", day)
OPENED, ABANDONED, OF_DAY = on("opened_at"), on("abandoned_at"), on("day", day)


class ScorecardVersions(Shown):
    about = "What was published, word by word, and from which day it counts."
    list_display = ("__str__", "key", "number", EFFECTIVE, PUBLISHED)
    search_fields = ("key", "name")
    fields: ClassVar[Any] = ("key", "number", "name", EFFECTIVE, PUBLISHED, "digest", "text")
    readonly_fields: ClassVar[Any] = (EFFECTIVE, PUBLISHED)


class Runs(Shown):
    about = "Every pass over everyone: for which day, scorecard and revision, and whether it is out."
    list_display = ("__str__", OF_DAY, "revision", "reason", OPENED, PUBLISHED, ABANDONED)
    readonly_fields: ClassVar[Any] = (OF_DAY, OPENED, PUBLISHED, ABANDONED)
    list_select_related = ("version",)
    search_fields = ("version__key", "reason", "day")
    ordering = ("-day", "version", "-revision")
    fields: ClassVar[Any] = (
        "version",
        OF_DAY,
        "revision",
        "reason",
        OPENED,
        PUBLISHED,
        ABANDONED,
        "watermark",
    )


class Quarantined(Shown):
    about = "Lines of deliveries that were refused, as they came, with the reason."
    list_display = ("__str__", "source", "batch", "line", "reason", "field")
    list_select_related = ("batch__source",)
    search_fields = ("reason", "field", "batch__file_name", "batch__source__key")
    ordering = ("-batch", "line")
    fields: ClassVar[Any] = ("batch", "line", "reason", "field", "raw")

    def source(self, row: Quarantine) -> str:
        """Where the delivery came from."""
        return row.batch.source.key


def named(model: type[Model]) -> str:
    """scoring_scoringrun, as Django's admin calls its addresses."""
    return f"{model._meta.app_label}_{model._meta.model_name}"


def has_second_factor(request: HttpRequest) -> bool:
    """Whether this session was opened with a second factor, where staff need one."""
    return not settings.STAFF_SECOND_FACTOR or sessions.is_strong(request.session)


window = Window(name="admin")
window.register(ScorecardVersion, ScorecardVersions)
window.register(ScoringRun, Runs)
window.register(Quarantine, Quarantined)

"""Scores out, as JSON, through the same door as the pages."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import PermissionDenied
from rest_framework.decorators import api_view
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from accounts.access import Capability, open_organization
from scoring import read

if TYPE_CHECKING:
    from accounts.models import User

PROBLEM = "application/problem+json"
LONGEST = 200  # characters of a value that are said back


class NotAsked(ValidationError):
    """Something was sent that the endpoint does not know; names it, and what was sent."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY


@api_view(["GET"])
def score(request: Request, slug: str) -> Response:
    """The whole tree of the newest published card: the same document as `manage.py score --json`."""
    organization = open_organization(cast("User", request.user), slug, to=Capability.SEE_SCORE)
    refuse_unknown(request)
    card = read.explained(organization)
    if card is None:
        detail = "The first night has not been published."
        return Response(problem(404, "No score yet", detail), status=404, content_type=PROBLEM)
    return Response(read.as_json(card))


def refuse_unknown(request: Request, *known: str) -> None:
    """Nothing if the address asks only for these; raise NotAsked naming the others and their values."""
    asked = request.query_params
    if unknown := sorted(set(asked) - set(known)):
        raise NotAsked({name: [asked[name]] for name in unknown})


def refused(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every refusal of an endpoint in one form (RFC 9457), with field and value where there is one."""
    response = exception_handler(error, context)
    if response is None:
        return None
    status = response.status_code
    said = response.data.get("detail", "") if isinstance(response.data, dict) else ""
    detail = str(error) if isinstance(error, PermissionDenied) else str(said)
    document = problem(status, HTTPStatus(status).phrase, detail)
    if isinstance(error, NotAsked):
        document["detail"] = "This is not known here."
        document["errors"] = [
            {"field": name, "value": str(values[0])[:LONGEST], "message": f"{name} is not known here."}
            for name, values in cast(dict[str, list[str]], error.detail).items()
        ]
    response.data, response.content_type = document, PROBLEM
    return response


def problem(status: int, title: str, detail: str) -> dict[str, Any]:
    """A refusal as RFC 9457 describes it."""
    return {"type": "about:blank", "title": title, "status": int(status), "detail": detail}

"""Errors as HTTP answers: one JSON shape, never a 5xx for what a client did."""

from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from metier.errors import Invalid, MetierError, Problem, ProviderDown, TooManyRequests
from metier.redaction import get_logger

ERROR_SHAPE: dict[str, Any] = {
    "type": "object",
    "required": ["error", "message", "errors"],
    "properties": {
        "error": {"type": "string", "examples": ["UnknownField"]},
        "message": {"type": "string"},
        "cure": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "problem"],
                "properties": {
                    "path": {"type": "string"},
                    "problem": {"type": "string"},
                    "allowed": {"type": "array", "items": {"type": "string"}},
                    "example": {},
                    "did_you_mean": {"type": "string"},
                },
            },
        },
    },
}


def error_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe error answers for OpenAPI."""
    content = {"application/json": {"schema": ERROR_SHAPE}}
    return {status: {"description": "What was wrong, where, and the cure", "content": content} for status in statuses}


def answer(error: MetierError) -> Response:
    """Give an error as an HTTP answer."""
    headers: dict[str, str] = {}
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    if isinstance(error, ProviderDown) and error.retry_after_s:
        headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(error.to_json()), error.status, headers, media_type="application/json")


def handle_errors(app: FastAPI) -> None:
    """Make every error of the API an answer of the one shape."""
    logger = get_logger("metier.api")

    async def known(_request: Request, error: Exception) -> Response:
        assert isinstance(error, MetierError)
        return answer(error)

    async def invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(Invalid.of([_problem(e) for e in error.errors()], what="The request"))

    async def http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        body = {"error": "Http", "message": str(error.detail), "errors": [{"path": "", "problem": str(error.detail)}]}
        return Response(orjson.dumps(body), error.status_code, dict(error.headers or {}), media_type="application/json")

    async def fault(request: Request, error: Exception) -> Response:
        logger.error("request failed", path=request.url.path, exc_info=error)
        message = "Metier failed inside; the operator's log has the cause."
        body = {"error": "Fault", "message": message, "errors": [{"path": "", "problem": message}]}
        return Response(orjson.dumps(body), 500, media_type="application/json")

    app.add_exception_handler(MetierError, known)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, fault)


def _problem(error: Any) -> Problem:
    place = [str(part) for part in error["loc"] if part != "body"]
    return Problem(".".join(place), str(error["msg"]))

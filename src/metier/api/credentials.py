"""What the OpenAPI document says of credentials: which there are, and which operations want one.

FastAPI would say it too, of dependencies of its own that then run at each request; `auth.current_actor` is quicker.
"""

from typing import Any

from fastapi import FastAPI

from metier.api.auth import SIGN_IN_COOKIE

SCHEMES: dict[str, Any] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, made with `metier keys create` or in Settings. It may do what its role may.",
    },
    "sign_in": {
        "type": "apiKey",
        "in": "cookie",
        "name": SIGN_IN_COOKIE,
        "description": "The cookie of somebody signed in with a browser.",
    },
}


def describe_credentials(app: FastAPI) -> None:
    """Add the ways to authenticate to the document, and to each operation that can answer 401.

    One that wants none, and stands among others that do, says `openapi_extra={"security": []}`.
    """
    without = app.openapi

    def document() -> dict[str, Any]:
        made = without()  # the same object each time
        made.setdefault("components", {})["securitySchemes"] = SCHEMES
        for operations in made["paths"].values():
            for operation in operations.values():
                if "401" in operation["responses"]:
                    operation.setdefault("security", [{name: []} for name in SCHEMES])
        return made

    app.openapi = document

"""One thin router per area: a query, then a template. Each module here has `router() -> APIRouter`."""

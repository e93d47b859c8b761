"""Own symbols: 24-pixel drawings of 1.75-pixel strokes in the colour of the text around them."""

from collections.abc import Mapping

from markupsafe import Markup

BOX = '<path d="M4 8l8-4 8 4v8l-8 4-8-4z"/><path d="M4 8l8 4 8-4M12 12v8"/>'

DRAWINGS: Mapping[str, str] = {
    "alert": '<path d="M12 4l9 16H3z"/><path d="M12 10v4M12 17v.01"/>',
    "arrow-down": '<path d="M12 5v14M6 13l6 6 6-6"/>',
    "arrow-left": '<path d="M19 12H5M11 6l-6 6 6 6"/>',
    "arrow-up": '<path d="M12 19V5M6 11l6-6 6 6"/>',
    "box": BOX,
    "briefcase": '<path d="M4 8h16v11H4zM9 8V5h6v3M4 13h16"/>',
    "building": '<path d="M5 20V5h9v15M14 9h5v11M3 20h18"/><path d="M8 9h3M8 13h3M8 16h3"/>',
    "calendar": '<path d="M4 6h16v14H4zM4 10h16M8 3v4M16 3v4"/>',
    "chart": '<path d="M4 20V4M4 20h16M9 20v-6M13 20V8M17 20v-9"/>',
    "chat": '<path d="M4 5h16v11H9l-5 4z"/>',
    "check": '<path d="M5 12.5l4.5 4.5L19 7.5"/>',
    "chevron-down": '<path d="M6 9l6 6 6-6"/>',
    "chevron-left": '<path d="M15 6l-6 6 6 6"/>',
    "chevron-right": '<path d="M9 6l6 6-6 6"/>',
    "code": '<path d="M9 7l-5 5 5 5M15 7l5 5-5 5"/>',
    "copy": '<path d="M9 9h11v11H9z"/><path d="M5 15H4V4h11v1"/>',
    "external": '<path d="M14 4h6v6M20 4l-9 9"/><path d="M18 14v6H4V6h6"/>',
    "eye": '<path d="M2.5 12C5 7.5 8.3 5.5 12 5.5s7 2 9.5 6.5c-2.5 4.5-5.8 6.5-9.5 6.5s-7-2-9.5-6.5z"/>'
    '<circle cx="12" cy="12" r="3"/>',
    "filter": '<path d="M4 6h16M7 12h10M10 18h4"/>',
    "flag": '<path d="M6 21V4M6 5h12l-2.5 4L18 13H6"/>',
    "heart": '<path d="M3 12h4l3 7 4-14 3 7h4"/>',
    "home": '<path d="M4 11l8-7 8 7v9h-5v-6H9v6H4z"/>',
    "inbox": '<path d="M4 14l3-9h10l3 9v5H4z"/><path d="M4 14h5a3 3 0 0 0 6 0h5"/>',
    "key": '<circle cx="8" cy="15" r="4"/><path d="M11 12l8-8M16 7l3 3"/>',
    "keyboard": '<path d="M3 7h18v11H3z"/><path d="M7 11v.01M11 11v.01M15 11v.01M17 14.5v.01M7 14.5h7"/>',
    "link": '<path d="M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1"/>'
    '<path d="M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1"/>',
    "list": '<path d="M9 6h11M9 12h11M9 18h11M4 6v.01M4 12v.01M4 18v.01"/>',
    "lock": '<path d="M6 11h12v9H6z"/><path d="M9 11V8a3 3 0 0 1 6 0v3"/>',
    "mail": '<path d="M3 6h18v13H3z"/><path d="M3 7l9 7 9-7"/>',
    "menu": '<path d="M4 7h16M4 12h16M4 17h16"/>',
    "moon": '<path d="M20 14.5A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5z"/>',
    "note": '<path d="M5 4h14v11l-5 5H5z"/><path d="M14 20v-5h5M9 9h6M9 13h3"/>',
    "panel": '<path d="M4 5h16v14H4zM10 5v14"/>',
    "pencil": '<path d="M5 19l1-4L16.5 4.5l3 3L9 18z"/><path d="M14 7l3 3"/>',
    "people": '<circle cx="9" cy="8" r="3.5"/><path d="M3 20c0-3.5 2.5-6 6-6s6 2.5 6 6"/>'
    '<path d="M16 5a3.5 3.5 0 0 1 0 6.5M17.5 14.5c2.2.8 3.5 2.8 3.5 5.5"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "restore": '<path d="M5 5v5h5"/><path d="M5.5 10A7.5 7.5 0 1 1 4.5 14"/>',
    "runs": '<path d="M4 6h8M8 12h12M6 18h7"/>',
    "search": '<circle cx="11" cy="11" r="6.5"/><path d="M16 16l4.5 4.5"/>',
    "settings": '<path d="M4 7h9M17 7h3M4 17h3M11 17h9"/><circle cx="15" cy="7" r="2"/><circle cx="9" cy="17" r="2"/>',
    "sign-out": '<path d="M14 4H5v16h9M10 12h11M17 8l4 4-4 4"/>',
    "shield": '<path d="M12 3l8 3v6c0 5-3.5 8-8 9-4.5-1-8-4-8-9V6z"/>',
    "spark": '<path d="M12 4l1.8 5.2a2 2 0 0 0 1.2 1.2L20 12l-5 1.6a2 2 0 0 0-1.2 1.2L12 20l-1.8-5.2'
    'a2 2 0 0 0-1.2-1.2L4 12l5-1.6a2 2 0 0 0 1.2-1.2z"/>',
    "stop": '<path d="M7 7h10v10H7z"/>',
    "sun": '<circle cx="12" cy="12" r="4"/><path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6L7 7M17 17l1.4 1.4'
    'M5.6 18.4L7 17M17 7l1.4-1.4"/>',
    "target": '<circle cx="12" cy="12" r="8"/><circle cx="12" cy="12" r="3.5"/>',
    "tasks": '<path d="M4 6.5l1.5 1.5L8.5 5M4 13.5l1.5 1.5 3-3M12 7h8M12 14h8M12 20h8M5 20h2"/>',
    "theme": '<circle cx="12" cy="12" r="8"/><path d="M12 4v16a8 8 0 0 1 0-16z" fill="currentColor"/>',
    "trash": '<path d="M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13"/>',
    "user": '<circle cx="12" cy="8" r="4"/><path d="M4.5 20c.5-4 3.5-6 7.5-6s7 2 7.5 6"/>',
    "x": '<path d="M6 6l12 12M18 6L6 18"/>',
}

#: Names that object definitions use for the same drawings.
ALSO: Mapping[str, str] = {
    "company": "building",
    "building-2": "building",
    "person": "user",
    "users": "people",
    "opportunity": "target",
    "dollar": "target",
    "task": "tasks",
    "check-square": "tasks",
    "checkbox": "tasks",
    "file": "note",
    "notes": "note",
    "member": "people",
}


def icon(name: str, size: int = 18) -> Markup:
    """Draw a symbol; an unknown name gets the box. It is decoration: what it stands for is said in words beside it."""
    drawing = DRAWINGS.get(ALSO.get(name, name), BOX)
    return Markup(
        '<svg class="icon" width="{0}" height="{0}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">'
        "{1}</svg>"
    ).format(size, Markup(drawing))  # drawings are the constants above


LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#5b5bd6"/>'
    '<path d="M8 23V9.5l8 8 8-8V23" fill="none" stroke="#fff" stroke-width="3.2" stroke-linecap="round" '
    'stroke-linejoin="round"/></svg>'
)

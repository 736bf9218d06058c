"""The icons a page uses, as one inline sprite. Drawings only: 20 px grid, stroked in the current color."""

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

DRAWINGS = {
    "book": '<path d="M10 5.5C8.5 4.3 6.5 4 3 4v11.5c3.5 0 5.5.3 7 1.5 1.5-1.2 3.5-1.5 7-1.5V4'
    'c-3.5 0-5.5.3-7 1.5zm0 0V17"/>',
    "building": '<path d="M4 17.5V3.5h8v14M12 8h4.5v9.5M2.5 17.5h15M6.5 7h3m-3 3.5h3m-3 3.5h3"/>',
    "cal": '<path d="M3.5 5h13v11.5h-13zM3.5 8.5h13M7 3v3.5M13 3v3.5"/>',
    "check": '<path d="m4 10.5 4 4 8-9"/>',
    "clock": '<circle cx="10" cy="10" r="7"/><path d="M10 6v4.2l2.8 1.8"/>',
    "down": '<path d="m5.5 8 4.5 4.5L14.5 8"/>',
    "eye": '<path d="M2.5 10C4.3 6.6 7 5 10 5s5.7 1.6 7.5 5c-1.8 3.4-4.5 5-7.5 5s-5.7-1.6-7.5-5z"/>'
    '<circle cx="10" cy="10" r="2.4"/>',
    "download": '<path d="M10 3v9.5m-4-4 4 4 4-4M4 16.5h12"/>',
    "globe": '<circle cx="10" cy="10" r="7"/><path d="M3 10h14M10 3c2.2 2 3.2 4.3 3.2 7S12.2 15 10 17'
    'c-2.2-2-3.2-4.3-3.2-7S7.8 5 10 3z"/>',
    "home": '<path d="m3 9.5 7-6 7 6M5 8.5v8h10v-8"/>',
    "info": '<circle cx="10" cy="10" r="7"/><path d="M10 9.5V14m0-7.3v.01"/>',
    "key": '<circle cx="7" cy="13" r="3.5"/><path d="m9.5 10.5 7-7m-3 3 2.5 2.5"/>',
    "layers": '<path d="m10 3 7 3.5-7 3.5-7-3.5zM3.5 10l6.5 3.2 6.5-3.2M3.5 13.5l6.5 3.2 6.5-3.2"/>',
    "lock": '<path d="M5 9.5h10v7.5H5zM7 9.5V6.5a3 3 0 0 1 6 0v3"/>',
    "mail": '<path d="M3 5h14v10.5H3zM3 5.5l7 5.5 7-5.5"/>',
    "menu": '<path d="M3 6h14M3 10h14M3 14h14"/>',
    "out": '<path d="M8 3.5H4v13h4M9 10h8m-3-3 3 3-3 3"/>',
    "overview": '<path d="M3.5 16.5v-5m4.5 5v-9m4.5 9V10m4 6.5v-13"/>',
    "people": '<path d="M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2 16.5c.4-3 2.6-4.5 5.5-4.5s5.1 1.5 5.5 4.5'
    'M13 3.8a3 3 0 0 1 0 5.4m2 3c1.7.7 2.7 2.2 3 4.3"/>',
    "plus": '<path d="M10 4v12M4 10h12"/>',
    "refresh": '<path d="M16 8a6.3 6.3 0 0 0-11.5-1.5M4 12a6.3 6.3 0 0 0 11.5 1.5'
    'M4.5 3v3.5H8m7.5 10.5v-3.5H12"/>',
    "report": '<path d="M5 2.5h7l3.5 3.5v11.5H5zM12 2.5V6h3.5M7.5 10h5.5m-5.5 3.5h5.5"/>',
    "search": '<circle cx="9" cy="9" r="5.5"/><path d="m13.2 13.2 3.8 3.8"/>',
    "grad": '<path d="m10 4 8 3.8-8 3.8-8-3.8zM5 9.5v4c1.3 1.3 3 2 5 2s3.7-.7 5-2v-4M18 8v4.5"/>',
    "plan": '<path d="M3 16 8 10l3.5 3L17 5m0 0h-4m4 0v4"/>',
    "quote": '<path d="M4 4h9l3 3v9.5H4zM7 9.5h6M7 12.5h6"/>',
    "star": '<path d="m10 3 2.1 4.5 4.9.6-3.6 3.3 1 4.8L10 13.8l-4.4 2.4 1-4.8L3 8.1l4.9-.6z"/>',
    "tasks": '<path d="m3 5.5 1.5 1.5L7 4.5M3 13l1.5 1.5L7 12M10 6h7M10 13.5h7"/>',
    "theme": '<circle cx="10" cy="10" r="6.5"/>'
    '<path d="M10 3.5v13a6.5 6.5 0 0 0 0-13z" fill="currentColor"/>',
    "up": '<path d="m5.5 12.5 4.5-4.5 4.5 4.5"/>',
    "upload": '<path d="M10 13V3.5m-4 4 4-4 4 4M4 16.5h12"/>',
    "updown": '<path d="m6.5 8 3.5-3.5L13.5 8m-7 4 3.5 3.5 3.5-3.5"/>',
    "warn": '<path d="M10 3.5 17.5 16.5h-15zM10 8.5v3.5m0 2.3v.01"/>',
    "x": '<path d="m5 5 10 10M15 5 5 15"/>',
}


@register.simple_tag
def sprite(names: str) -> SafeString:
    """One symbol for each name; a name without a drawing is a mistake that must be heard."""
    symbols = (
        f'<symbol id="i-{name}" viewBox="0 0 20 20">{DRAWINGS[name]}</symbol>' for name in names.split()
    )
    return mark_safe("".join(symbols))  # noqa: S308 - nothing but the constants above

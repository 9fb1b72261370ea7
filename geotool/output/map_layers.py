"""The parts of the map as Folium elements, all of them without any server but our own.

What they do in the browser is in static/map.js; Python only hands over names and JSON.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import folium
from branca.element import MacroElement
from folium.template import Template

STATIC_DIR = Path(__file__).parent / "static"
VENDOR_URL = "/vendor"  # where the window serves Leaflet, the base map and static/
LEAFLET_URL = f"{VENDOR_URL}/leaflet"
STATIC_URL = f"{VENDOR_URL}/map"
BASEMAP_URL = f"{VENDOR_URL}/basemap"


def leaflet_dir() -> Path:
    """The folder with leaflet.js and leaflet.css inside the package django-js-lib-leaflet."""
    from importlib.resources import files

    return Path(str(files("js_lib_leaflet"))) / "static" / "js_lib_leaflet"


def escape(text: object) -> str:
    """Text safe inside HTML that Folium puts between JavaScript backticks.

    html.escape alone is not enough there: a label `${...}` would be run as code.
    """
    escaped = html.escape(str(text))
    return escaped.replace("\\", "&#92;").replace("`", "&#96;").replace("$", "&#36;")


class LinkedMap(folium.Map):
    """A Folium map whose scripts and styles come from our own server.

    Class attributes, because folium.Map.add_js_link changes a list that all maps share.
    """

    default_js = [("leaflet_js", f"{LEAFLET_URL}/leaflet.js"), ("map_js", f"{STATIC_URL}/map.js")]
    default_css = [("leaflet_css", f"{LEAFLET_URL}/leaflet.css"), ("map_css", f"{STATIC_URL}/map.css")]


class InlineMap(folium.Map):
    """A Folium map for one file: every script, style and outline stands inside."""

    default_js: list[tuple[str, str]] = []
    default_css: list[tuple[str, str]] = []


class InlineHead(MacroElement):
    """Scripts, styles and data inside the document, and a policy that forbids it to load any others."""

    _template = Template("""
    {% macro header(this, kwargs) %}
    <meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
    {% for text in this.styles %}<style>{{ text }}</style>{% endfor %}
    {% for text in this.scripts %}<script>{{ text }}</script>{% endfor %}
    {% for name, text in this.data.items() %}
    <script type="application/json" id="{{ name }}">{{ text }}</script>
    {% endfor %}
    {% endmacro %}""")

    def __init__(self, scripts: list[Path], styles: list[Path], data: dict[str, Path]) -> None:
        super().__init__()
        self._name = "InlineHead"
        self.scripts = [_read(path) for path in scripts]
        self.styles = [_read(path) for path in styles]
        self.data = {name: _read(path).replace("</", "<\\/") for name, path in data.items()}


class PageStyle(MacroElement):
    """A few style rules that are made in Python."""

    _template = Template("{% macro header(this, kwargs) %}<style>{{ this.css }}</style>{% endmacro %}")

    def __init__(self, css: str) -> None:
        super().__init__()
        self._name = "PageStyle"
        self.css = css


class Pin(folium.Marker):
    """A numbered pin; `note` is what the pointer and a screen reader get."""

    def __init__(self, point: list[float], number: int, note: str, size_px: int) -> None:
        label = f'<b aria-hidden="true">{number}</b><span class="spoken">{escape(note)}</span>'
        first = " is-best" if number == 1 else ""
        icon = folium.DivIcon(
            html=label,
            icon_size=(size_px, size_px),
            icon_anchor=(size_px // 2, size_px // 2),
            class_name=f"pin pin-{number}{first}",
        )
        tooltip = folium.Tooltip(escape(note), sticky=False)
        super().__init__(point, icon=icon, tooltip=tooltip, z_index_offset=-number)


class Dot(folium.CircleMarker):
    """The answer for another photo of the same batch."""

    def __init__(self, point: list[float], note: str) -> None:
        tooltip = folium.Tooltip(escape(note))
        super().__init__(point, radius=5, weight=1.5, class_name="other", tooltip=tooltip)


class Behaviour(MacroElement):
    """Starts static/map.js on the map: base map, city names, overlays, messages to the window.

    `layers` are those that can be switched, by their names in the script; `data` is plain JSON for it.
    """

    _template = Template("""
    {% macro script(this, kwargs) %}
    geotoolMap({{ this._parent.get_name() }}, {
        layers: {
            {% for name, layer in this.layers.items() %}{{ name }}: {{ layer.get_name() }},{% endfor %}
        },
        basemapUrl: {{ this.basemap_url|tojson }},
        {% for name, value in this.data.items() %}{{ name }}: {{ value|tojson }},{% endfor %}
    });
    {% endmacro %}""")

    def __init__(self, layers: dict[str, Any], data: dict[str, Any]) -> None:
        super().__init__()
        self._name = "Behaviour"
        self.layers = layers
        self.basemap_url = BASEMAP_URL
        self.data = json.loads(json.dumps(data, allow_nan=False))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")

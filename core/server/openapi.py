"""What the REST endpoint says of itself: OpenAPI, and a page that needs nothing from elsewhere."""

from typing import Any

_PICTURE = {"image/png": {"schema": {"type": "string", "format": "binary"}}}
_PROBLEM = {"application/json": {"schema": {"type": "object", "properties": {"error": {"type": "string"}}}}}
_PARAMETERS = [
    ("result", {"type": "string", "enum": ["mask", "cutout", "overlay", "components"], "default": "mask"},
     "components gives JSON, everything else a PNG at the photo's own size."),
    ("model", {"type": "string"}, "An id of /models; the server's own where none is named."),
    ("threshold", {"type": "number", "minimum": 0, "maximum": 1, "exclusiveMinimum": True,
                   "exclusiveMaximum": True}, "The model's own where none is named."),
    ("background", {"type": "string"}, "With cutout: #RRGGBB, blur or grey; transparent by default."),
]  # fmt: skip


def openapi(prefix: str = "") -> dict[str, Any]:
    """The description as a dictionary; `prefix` is where the routes are mounted."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Segmentation Studio", "version": "1"},
        "servers": [{"url": prefix or "/"}],
        "paths": {
            "/segment": {
                "post": {
                    "summary": "Find the subject of a photo",
                    "parameters": [
                        {"name": name, "in": "query", "schema": schema, "description": words}
                        for name, schema, words in _PARAMETERS
                    ],
                    "requestBody": {
                        "required": True,
                        "content": {
                            "image/*": {"schema": {"type": "string", "format": "binary"}},
                            "multipart/form-data": {
                                "schema": {
                                    "type": "object",
                                    "properties": {"photo": {"type": "string", "format": "binary"}},
                                }
                            },
                        },
                    },
                    "responses": {
                        "200": {"description": "The result", "content": _PICTURE},
                        **{
                            status: {"description": words, "content": _PROBLEM}
                            for status, words in (
                                ("400", "A parameter makes no sense"),
                                ("401", "A key is needed"),
                                ("404", "There is no such model"),
                                ("413", "The photo is too large"),
                                ("422", "The photo cannot be read"),
                                ("429", "The hour's photos are used up"),
                                ("503", "Too many photos are waiting"),
                            )
                        },
                    },
                }
            },
            "/models": {
                "get": {"summary": "The models there are", "responses": {"200": {"description": "A list"}}}
            },
            "/health": {
                "get": {
                    "summary": "Whether the server runs",
                    "responses": {"200": {"description": "It does"}},
                }
            },
        },
    }


PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Segmentation Studio, REST</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
  pre { padding: .8rem 1rem; border: 1px solid #8886; border-radius: 8px; overflow-x: auto; }
  img { max-width: 100%; border: 1px solid #8886; border-radius: 8px; margin-top: 1rem;
        background: repeating-conic-gradient(#ccc 0 25%, #eee 0 50%) 0 / 24px 24px; }
  form { display: flex; gap: .6rem; flex-wrap: wrap; align-items: center; }
</style>
<h1>Segmentation Studio</h1>
<p>A photo in, its mask or cut-out out. For programs: <a href="openapi.json">openapi.json</a>.</p>
<pre>curl --data-binary @me.jpg "ADDRESS/segment?result=cutout" -o me.png
curl -F photo=@me.jpg "ADDRESS/segment?result=cutout&amp;background=blur" -o me.png
curl --data-binary @me.jpg "ADDRESS/segment?result=components"
curl ADDRESS/models</pre>
<p>Try it:</p>
<form>
  <input type="file" name="photo" accept="image/*" required>
  <select name="result"><option>cutout</option><option>mask</option><option>overlay</option></select>
  <button>Send</button>
</form>
<p id="told" role="status"></p><img id="made" alt="" hidden>
<script>
  const here = location.href.replace(/[?#].*/, "").replace(/\\/$/, "");
  document.querySelector("pre").textContent =
    document.querySelector("pre").textContent.replaceAll("ADDRESS", here);
  document.querySelector("form").onsubmit = async (event) => {
    event.preventDefault();
    const form = new FormData(event.target), told = document.querySelector("#told");
    told.textContent = "Working …";
    const answer = await fetch(here + "/segment?result=" + form.get("result"),
                               { method: "POST", body: form.get("photo") });
    if (!answer.ok) { told.textContent = (await answer.json()).error; return; }
    told.textContent = "";
    const picture = document.querySelector("#made");
    picture.src = URL.createObjectURL(await answer.blob());
    picture.alt = form.get("result"); picture.hidden = false;
  };
</script>
"""

"""The description of the REST endpoint: OpenAPI, and a self-contained page with examples."""

from typing import Any

_PICTURE = {"image/png": {"schema": {"type": "string", "format": "binary"}}}
_PROBLEM = {"application/json": {"schema": {"type": "object", "properties": {"error": {"type": "string"}}}}}
_PARAMETERS = [
    ("result", {"type": "string", "enum": ["mask", "cutout", "overlay", "components"], "default": "mask"},
     "components gives JSON, everything else a PNG at the photo's own size."),
    ("model", {"type": "string"}, "An id of /models; the server's default if missing."),
    ("threshold", {"type": "number", "minimum": 0, "maximum": 1, "exclusiveMinimum": True,
                   "exclusiveMaximum": True}, "The model's own if missing."),
    ("background", {"type": "string"}, "With cutout: #RRGGBB, blur or grey; transparent by default."),
]  # fmt: skip


def openapi(prefix: str = "") -> dict[str, Any]:
    """The OpenAPI description; `prefix` is the path at which the routes are mounted."""
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
                                ("400", "A parameter is invalid"),
                                ("401", "The key is missing or wrong"),
                                ("404", "There is no such model"),
                                ("408", "The photo did not arrive in time"),
                                ("413", "The photo is too large"),
                                ("422", "The photo cannot be read"),
                                ("429", "The quota is used up"),
                                ("503", "Too many photos are waiting"),
                            )
                        },
                    },
                }
            },
            "/models": {
                "get": {"summary": "The available models", "responses": {"200": {"description": "A list"}}}
            },
            "/health": {
                "get": {
                    "summary": "Whether the server is running",
                    "responses": {"200": {"description": "It is"}},
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
<p id="state" role="status"></p><img id="made" alt="" hidden>
<script>
  const here = location.href.replace(/[?#].*/, "").replace(/\\/$/, "");
  document.querySelector("pre").textContent =
    document.querySelector("pre").textContent.replaceAll("ADDRESS", here);
  document.querySelector("form").onsubmit = async (event) => {
    event.preventDefault();
    const form = new FormData(event.target), state = document.querySelector("#state");
    state.textContent = "Working …";
    const answer = await fetch(here + "/segment?result=" + form.get("result"),
                               { method: "POST", body: form.get("photo") });
    if (!answer.ok) { state.textContent = (await answer.json()).error; return; }
    state.textContent = "";
    const picture = document.querySelector("#made");
    picture.src = URL.createObjectURL(await answer.blob());
    picture.alt = form.get("result"); picture.hidden = false;
  };
</script>
"""

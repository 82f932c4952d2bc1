"""A before/after slider: two pictures of one size, one uncovered over the other.

Built on Streamlit's own components, without a build step. The handle is a range input, so that
mouse, touch and arrow keys all work.
"""

import base64

import streamlit as st

HTML = """
<figure class="pair">
  <img class="after" alt="">
  <img class="before" alt="">
  <span class="tag left"></span><span class="tag right"></span>
  <div class="line"><span class="grip">&#8596;</span></div>
  <input type="range" min="0" max="100" step="0.5" value="50">
</figure>
"""

CSS = """
.pair { --x: 50%; position: relative; margin: 0 auto; overflow: hidden; border-radius: 8px; line-height: 0;
        background: var(--st-secondary-background-color); touch-action: pan-y; }
.pair img { width: 100%; height: 100%; object-fit: fill; display: block; user-select: none; }
.pair .before { position: absolute; inset: 0; clip-path: inset(0 calc(100% - var(--x)) 0 0); }
.pair .line { position: absolute; inset: 0 auto 0 var(--x); width: 2px; margin-left: -1px;
              background: #fff; box-shadow: 0 0 4px rgba(0,0,0,.6); pointer-events: none; }
.pair .grip { position: absolute; top: 50%; left: 50%; transform: translate(-50%, -50%); width: 34px;
              height: 34px; border-radius: 50%; background: #fff; color: #333; font: 20px/34px sans-serif;
              text-align: center;
              box-shadow: 0 1px 5px rgba(0,0,0,.5); }
.pair input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0;
              cursor: ew-resize; }
.pair:has(input:focus-visible) .grip { outline: 3px solid var(--st-primary-color); }
.pair .tag { position: absolute; top: 10px; padding: 4px 10px; border-radius: 12px; pointer-events: none;
             background: rgba(0,0,0,.6); color: #fff; font: 13px/1.3 var(--st-font, sans-serif); z-index: 1; }
.pair .left { left: 10px; } .pair .right { right: 10px; }
"""

JS = """
export default function ({ data, parentElement }) {
  const pair = parentElement.querySelector(".pair");
  const input = pair.querySelector("input");
  const set = (name, url) => { const img = pair.querySelector(name); if (img.src !== url) img.src = url; };
  set(".before", data.before);
  set(".after", data.after);
  pair.querySelector(".left").textContent = data.labels[0];
  pair.querySelector(".right").textContent = data.labels[1];
  pair.querySelector(".before").alt = data.labels[0];
  pair.querySelector(".after").alt = data.labels[1];
  input.setAttribute("aria-label", `${data.labels[0]} against ${data.labels[1]}`);
  pair.style.aspectRatio = `${data.width} / ${data.height}`;
  pair.style.maxWidth = `min(100%, ${(data.tallest * data.width / data.height).toFixed(0)}px)`;
  input.oninput = () => pair.style.setProperty("--x", `${input.value}%`);
  input.title = `Drag, or use the arrow keys. Hold B to see ${data.labels[0].toLowerCase()} alone.`;
  const fields = "input:not([type=range]), textarea, select, [contenteditable=true]";
  const writes = (target) => target.closest?.(fields);
  const whole = (event, on) => {
    if (event.key.toLowerCase() !== "b" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (writes(event.composedPath()[0] ?? event.target)) return;
    pair.style.setProperty("--x", on ? "100%" : `${input.value}%`);
  };
  const down = (event) => whole(event, true), up = (event) => whole(event, false);
  document.addEventListener("keydown", down);
  document.addEventListener("keyup", up);
  return () => { document.removeEventListener("keydown", down); document.removeEventListener("keyup", up); };
}
"""

_slider = st.components.v2.component("segmentation_studio.image_slider", html=HTML, css=CSS, js=JS)


def image_slider(
    before: bytes,
    after: bytes,
    size: tuple[int, int],
    labels: tuple[str, str],
    key: str,
    tallest: int = 620,
) -> None:
    """Show two JPEGs of the same (height, width) with a divider to drag. `tallest` in screen pixels."""
    _slider(
        key=key,
        data={
            "before": _data_url(before),
            "after": _data_url(after),
            "height": size[0],
            "width": size[1],
            "labels": list(labels),
            "tallest": tallest,
        },
    )


def _data_url(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()

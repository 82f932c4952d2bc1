const TOOLS = {
  brush: ["Brush", "Drag to paint. Zoom with Ctrl + wheel or two fingers; move the photo with the space bar or middle button."],
  eraser: ["Eraser", "Drag to erase."],
  polygon: ["Polygon", "Click each corner; Enter, a double click or a click on the first corner fills it."],
  box: ["Box", "Drag a box around the subject, then press Find in the box."],
};
const PAUSE = 800;  // ms after the last stroke before the mask is saved
// Kept outside of the element, which Streamlit replaces when the page around it changes: a stroke of that
// moment must not be lost.
const painters = (globalThis.segmentationStudioPainters ??= {});

export default function ({ data, parentElement, setTriggerValue, setStateValue }) {
  const root = parentElement.querySelector(".painter");
  const find = (selector) => root.querySelector(selector);
  const stage = find(".stage"), screen = find(".screen"), pen = screen.getContext("2d");
  const s = (painters[data.painter] ??= { tool: "brush", undo: [], redo: [], corners: [], box: null, id: null, version: null,
                                 isDirty: false, unsaved: new Map(), encoding: 0, number: 0 });
  const first = root.state !== s;
  root.state = s;

  // The mask: one byte a pixel. What is seen is made from it, so nothing is ever half painted.
  const load = async () => {
    const fresh = s.id !== data.id;
    if (!fresh && s.version === data.version) {
      if (first && s.ready) { fit(); show(); }
      return;
    }
    if (fresh && s.isDirty) flush();
    const before = fresh ? null : s.mask;
    Object.assign(s, { id: data.id, version: data.version, corners: [] });
    const isOld = () => s.id !== data.id || s.version !== data.version;  // another photo was chosen meanwhile
    if (fresh) {
      forgetBox();
      Object.assign(s, { undo: [], redo: [], box: null, ready: false });
      const photo = await picture(data.photo);
      if (isOld()) return;
      Object.assign(s, { photo, width: data.width, height: data.height });
      s.mask = new Uint8Array(data.width * data.height);
      s.layer = new OffscreenCanvas(data.width, data.height);
      fit();
    }
    if (data.mask) {
      const image = await picture(data.mask);
      if (isOld()) return;
      const values = valuesOf(image, data.width, data.height);
      if (before) { keep(before); changed(); }
      s.mask = values.map((value) => (value >= 128 ? 1 : 0));
    }
    s.ready = true;
    redraw(0, 0, data.width, data.height);
  };
  const forgetBox = () => {
    if (s.box) setStateValue("box", null);
    s.box = null;
  };

  // Saving: a while after the last stroke, and at once when the pointer or the focus leaves the painter,
  // which it does before anything else on the page can be clicked. A mask is sent again until Python has
  // confirmed its number, because of two messages in a row Streamlit may deliver the last alone.
  const changed = () => {
    s.isDirty = true; status();
    clearTimeout(s.timer);
    s.timer = setTimeout(() => s.flush(), PAUSE);
  };
  const flush = async (next = false) => {
    clearTimeout(s.timer);
    if (!s.ready || s.painting || !(s.isDirty || next)) return;
    s.isDirty = false;
    const id = s.id, number = (s.number = Math.max(s.number + 1, Date.now()));
    s.encoding++;
    status();
    const mask = await url();
    s.encoding--;
    if ((s.unsaved.get(id)?.number ?? 0) < number) s.unsaved.set(id, { id, number, mask });
    s.send("saved", { masks: [...s.unsaved.values()], next });
  };
  Object.assign(s, { flush, send: setTriggerValue });
  const status = () => {
    for (const [id, { number }] of s.unsaved) if (number <= data.stored) s.unsaved.delete(id);
    const failed = [...s.unsaved.values()].some(({ number }) => number <= data.failed);
    const isSaving = s.encoding || s.unsaved.size;
    find(".status").textContent = failed ? "Not saved" : isSaving ? "Saving …" : data.stored && !s.isDirty ? "Saved" : "";
  };
  if (!s.guard) {
    s.guard = (event) => { if (s.isDirty || s.unsaved.size) event.preventDefault(); };
    window.addEventListener("beforeunload", s.guard);
  }
  root.onpointerleave = () => flush();
  root.onfocusout = (event) => { if (!root.contains(event.relatedTarget)) flush(); };

  const fit = () => fitInto(s, stage.getBoundingClientRect(), data.width, data.height);
  const redraw = (x, y, w, h) => {
    x = Math.max(0, Math.floor(x)); y = Math.max(0, Math.floor(y));
    w = Math.min(data.width - x, Math.ceil(w)); h = Math.min(data.height - y, Math.ceil(h));
    if (w <= 0 || h <= 0) return show();
    const part = new ImageData(w, h);
    for (let row = 0; row < h; row++)
      for (let column = 0; column < w; column++)
        if (s.mask[(y + row) * data.width + x + column]) {
          const at = 4 * (row * w + column);
          part.data[at] = 0; part.data[at + 1] = 158; part.data[at + 2] = 255; part.data[at + 3] = 255;
        }
    s.layer.getContext("2d").putImageData(part, x, y);
    show();
  };
  const show = () => requestAnimationFrame(() => {
    if (!s.ready) return;
    const box = stage.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    screen.width = box.width * ratio; screen.height = box.height * ratio;
    pen.setTransform(ratio * s.scale, 0, 0, ratio * s.scale, ratio * s.x, ratio * s.y);
    pen.imageSmoothingEnabled = s.scale < 3;
    pen.drawImage(s.photo, 0, 0, data.width, data.height);
    pen.globalAlpha = find(".see").value / 100;
    pen.imageSmoothingEnabled = false;
    pen.drawImage(s.layer, 0, 0);
    pen.globalAlpha = 1;
    const thin = 1.5 / s.scale;
    pen.lineWidth = thin;
    for (const [colour, dash] of [["#000", []], ["#fff", [6 / s.scale, 6 / s.scale]]]) {
      pen.strokeStyle = colour; pen.setLineDash(dash);
      if (s.box) pen.strokeRect(s.box[0], s.box[1], s.box[2] - s.box[0], s.box[3] - s.box[1]);
      if (s.corners.length) {
        pen.beginPath();
        s.corners.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
        if (s.at) pen.lineTo(...s.at);
        pen.stroke();
      }
      if (s.at && (s.tool === "brush" || s.tool === "eraser")) {
        pen.beginPath(); pen.arc(s.at[0], s.at[1], radius(), 0, 7); pen.stroke();
      }
    }
    pen.setLineDash([]);
    for (const [x, y] of s.corners) { pen.fillStyle = "#fff"; pen.beginPath(); pen.arc(x, y, 4 / s.scale, 0, 7); pen.fill(); }
    // Not `disabled`: a focused button that becomes disabled swallows the keyboard.
    find(".undo").setAttribute("aria-disabled", String(!s.undo.length));
    find(".redo").setAttribute("aria-disabled", String(!s.redo.length));
  });

  // Undo keeps whole masks as runs, which are small: a mask of 12 megapixels takes a few kilobytes.
  const pack = (mask) => {
    const runs = []; let value = 0, from = 0;
    for (let i = 0; i < mask.length; i++) if (mask[i] !== value) { runs.push(i - from); from = i; value = mask[i]; }
    runs.push(mask.length - from);
    return runs;
  };
  const unpack = (runs, mask) => {
    let at = 0, value = 0;
    for (const run of runs) { mask.fill(value, at, at + run); at += run; value ^= 1; }
  };
  const keep = (mask) => { s.undo.push(pack(mask)); s.redo = []; if (s.undo.length > 60) s.undo.shift(); };
  const step = (from, to) => {
    if (!from.length) return;
    to.push(pack(s.mask)); unpack(from.pop(), s.mask); redraw(0, 0, data.width, data.height); changed();
  };
  const radius = () => brushRadius(find(".size").value, s.width, s.height);
  const stroke = (from, to) => redraw(...paintLine(s, from, to, radius(), s.tool === "eraser" ? 0 : 1));
  const fillPolygon = () => {
    const c = s.corners; s.corners = [];
    if (c.length < 3) return show();
    keep(s.mask);
    paintPolygon(s, c, 1);
    redraw(0, 0, data.width, data.height); changed();
  };
  const url = () => greyPng(s.mask.map((value) => 255 * value), s.width, s.height);

  const place = (event) => {
    const box = stage.getBoundingClientRect();
    return [(event.clientX - box.left - s.x) / s.scale, (event.clientY - box.top - s.y) / s.scale];
  };
  const zoom = (factor, x, y) => {
    zoomAt(s, factor, x, y); show();
  };
  const fingers = new Map();
  stage.onwheel = (event) => {
    if (!event.ctrlKey && !event.metaKey) return;  // scrolls the page
    event.preventDefault();
    const box = stage.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
  };
  stage.onpointerdown = (event) => {
    if (!s.ready) return;
    stage.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    s.moving = s.space || event.button === 1;
    if (fingers.size > 1) {  // a second finger zooms; what the first one painted by landing goes
      if (s.painting) { unpack(s.undo.pop(), s.mask); redraw(0, 0, data.width, data.height); }
      s.painting = false; return;
    }
    if (s.moving) return;
    const at = place(event);
    if (s.tool === "polygon") {
      const start = s.corners[0];
      const closes = start && Math.hypot(at[0] - start[0], at[1] - start[1]) * s.scale < 10;
      closes && s.corners.length > 2 ? fillPolygon() : s.corners.push(at);
      return show();
    }
    if (s.tool === "box") { s.box = [...at, ...at]; s.drawing = at; return show(); }
    keep(s.mask); s.painting = true; s.last = at; stroke(at, at);
  };
  stage.onpointermove = (event) => {
    if (!s.ready) return;
    s.at = place(event);
    const before = fingers.get(event.pointerId);
    if (before) {
      const now = [event.clientX, event.clientY];
      if (fingers.size === 2) {
        const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
        pinch(s, before, now, other, stage.getBoundingClientRect());
      } else if (s.moving) { s.x += now[0] - before[0]; s.y += now[1] - before[1]; }
      else if (s.drawing) {
        const [x, y] = s.drawing, clip = (v, most) => Math.max(0, Math.min(most, v));
        s.box = [clip(Math.min(x, s.at[0]), data.width), clip(Math.min(y, s.at[1]), data.height),
                 clip(Math.max(x, s.at[0]), data.width), clip(Math.max(y, s.at[1]), data.height)];
      } else if (s.painting) { stroke(s.last, s.at); s.last = s.at; }
      fingers.set(event.pointerId, now);
    }
    show();
  };
  stage.onpointerup = stage.onpointercancel = (event) => {
    fingers.delete(event.pointerId);
    if (s.drawing && s.box) setStateValue("box", s.box.map(Math.round));
    if (s.painting) changed();
    s.painting = false; s.drawing = null; s.moving = false; show();
  };
  stage.onpointerleave = () => { s.at = null; show(); };
  stage.ondblclick = () => s.tool === "polygon" && fillPolygon();
  stage.onkeydown = (event) => {
    if (event.key === " ") { s.space = true; event.preventDefault(); }
    if (event.key === "Enter" && s.tool === "polygon") fillPolygon();
    if (event.key === "Escape") { s.corners = []; forgetBox(); show(); }
  };
  root.onkeydown = (event) => {
    if (!(event.ctrlKey || event.metaKey) || !"zy".includes(event.key.toLowerCase())) return;
    event.preventDefault();
    event.key.toLowerCase() === "y" || event.shiftKey ? step(s.redo, s.undo) : step(s.undo, s.redo);
  };
  stage.onkeyup = (event) => { if (event.key === " ") s.space = false; };

  const press = () => {
    root.querySelectorAll(".tools button").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.tool === s.tool)));
    find(".hint").textContent = TOOLS[s.tool][1];
  };
  find(".tools").replaceChildren(...Object.entries(TOOLS).map(([tool, [words]]) => {
    const button = document.createElement("button");
    button.textContent = words; button.dataset.tool = tool;
    button.onclick = () => { s.tool = tool; s.corners = []; if (tool !== "box") forgetBox(); press(); show(); };
    return button;
  }));
  find(".see").oninput = show;
  find(".undo").onclick = () => step(s.undo, s.redo);
  find(".redo").onclick = () => step(s.redo, s.undo);
  find(".clear").onclick = () => { keep(s.mask); s.mask.fill(0); redraw(0, 0, data.width, data.height); changed(); };
  find(".fill").onclick = () => { keep(s.mask); s.mask.forEach((v, i) => (s.mask[i] = 1 - v)); redraw(0, 0, data.width, data.height); changed(); };
  find(".save").onclick = () => flush(true);
  root.querySelectorAll("[data-zoom]").forEach((button) => {
    button.onclick = () => {
      const box = stage.getBoundingClientRect(), factor = Number(button.dataset.zoom);
      if (factor) zoom(factor, box.width / 2, box.height / 2); else { fit(); show(); }
    };
  });
  s.resized = () => { if (s.ready) { fit(); show(); } };  // of the photo that is shown now
  press();
  status();
  load();
  if (first) new ResizeObserver(() => s.resized()).observe(stage);
}

const TOOLS = {
  click: ["Click", "q", "Click an object for its mask; Alt, the right button or Remove takes away. Drag for a stroke."],
  box: ["Box", "x", "Drag a box around an object for its mask."],
  brush: ["Brush", "b", "Drag to paint. Zoom with Ctrl + wheel or two fingers; move with the space bar or middle button."],
  eraser: ["Eraser", "e", "Drag to erase."],
  polygon: ["Polygon", "p", "Click each corner; Enter, a double click or a click on the first corner fills it."],
  fill: ["Fill", "g", "Click an area of one class to give it the chosen class, or a hole to fill it."],
};
const KEYS = [
  ["Enter", "accept and go to the next photo"], ["S", "skip"], ["← →", "previous and next photo"], ["1 … 9", "class"],
  ["Ctrl+Z, Z", "undo"], ["Ctrl+Y, Y", "redo"], ["Q", "click to mask"], ["Alt, right button", "take away, with any tool but the box"],
  ["R", "take away until pressed again"], ["O", "new object"], ["X", "box"], ["B", "brush"], ["E", "eraser"], ["P", "polygon"], ["G", "fill"],
  ["[ ]", "brush size"], ["+ −", "zoom"], ["F", "whole photo"], ["Space + drag", "move the photo"], ["Ctrl + arrows", "move the pointer, Shift faster"],
  ["Ctrl+Enter", "click where the pointer is"], ["H", "hide the mask while held"], ["Shift+Delete", "clear"], ["Esc", "cancel"], ["?", "this list"],
];
const UNCHANGED = 254;  // of a patch, as in core/labelling/actions.py
const INSIDE = 150;  // opacity of a mask beside that of its outline, 255
const AGAIN = 6000;  // ms without an answer before what was done is sent again
// Kept outside of the element, which Streamlit replaces when the page around it changes: a stroke of that
// moment must not be lost.
const canvases = (globalThis.segmentationStudioCanvases ??= {});
const photos = (globalThis.segmentationStudioPhotos ??= new Map());
const TAB = (globalThis.segmentationStudioTab ??= Math.random().toString(36).slice(2, 12));

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".label");
  const find = (selector) => root.querySelector(selector);
  const stage = find(".stage"), screen = find(".screen"), pen = screen.getContext("2d");
  const s = (canvases[data.canvas] ??= {
    tool: "click", label: 1, minus: false, corners: [], id: null, version: null, revision: 0, pending: new Map(), number: 0,
    queue: Promise.resolve(), prompts: [], notice: "",
  });
  const first = root.state !== s;
  root.state = s;
  s.send = setTriggerValue;
  root.style.setProperty("--ratio", data.height / data.width);
  if (s.label > data.classes.length) s.label = 1;
  const colours = data.classes.map(({ colour }) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));

  // What Python confirmed is no longer pending. The mask that it sends is shown once nothing is: until then
  // it lacks what was drawn since.
  const load = async () => {
    for (const [id, answered] of Object.entries(data.answered)) {
      const left = (s.pending.get(id) ?? []).filter(({ number }) => number > answered);
      left.length ? s.pending.set(id, left) : s.pending.delete(id);
    }
    if (s.id !== data.id) {
      Object.assign(s, { id: data.id, ready: false, version: null, revision: 0, corners: [], drawing: null, painting: false, prompts: [], box: null, photo: null });
      root.setAttribute("aria-busy", "true");
    }
    if (!s.pending.size) s.isLate = false;
    s.notice = data.notice;
    s.data = data;
    if (!s.photo) {
      const photo = await photoOf(data.id);
      if (s.id !== data.id || s.photo) return;
      Object.assign(s, { photo, width: data.width, height: data.height });
      s.mask = new Uint8Array(data.width * data.height);
      s.layer = new OffscreenCanvas(data.width, data.height);
      fit();
    }
    if (first && s.ready) { fit(); show(); }
    await loadMask();
    status();
    if (s.pending.size && !(Date.now() - s.sentAt < AGAIN)) send();
  };
  const loadMask = async () => {
    const shown = s.data;
    if (s.id !== shown.id || s.pending.has(shown.id) || s.painting || s.encoding || s.version === shown.version) return;
    const image = await picture(shown.mask);
    if (s.data !== shown || s.pending.has(shown.id) || s.painting || s.encoding) return;
    s.mask = valuesOf(image, s.width, s.height);
    Object.assign(s, { version: shown.version, revision: shown.revision, ready: true, prompts: shown.prompts });
    root.removeAttribute("aria-busy");
    redraw(0, 0, s.width, s.height);
  };
  const photoOf = async (id) => {
    while (!photos.has(id)) {
      await new Promise((done) => setTimeout(done, 30));
      if (s.id !== id) return null;
    }
    return picture(photos.get(id));
  };

  // Everything that is done is kept until Python has confirmed it, and all of that is sent each time: of two
  // messages in a row Streamlit may deliver the last alone.
  const act = (kind, more = {}) => {
    const id = s.id, label = s.label;
    if (!s.ready) return;
    const number = (s.number = Math.max(s.number + 1, Date.now()));
    s.encoding = (s.encoding ?? 0) + 1;
    s.queue = s.queue.then(async () => {
      const made = typeof more === "function" ? await more() : more;
      s.encoding--;
      const kept = s.pending.get(id) ?? [];
      s.pending.set(id, [...kept, { number, kind, label, ...made }]);
      send();
    }).catch((error) => console.error(error));
    status();
  };
  const send = (go = "") => {
    s.sentAt = Date.now();
    clearTimeout(s.again);
    s.again = setTimeout(() => { if (s.pending.size) { s.isLate = true; s.sendAgain(); } }, AGAIN);
    const actions = [...s.pending].map(([id, actions]) => ({ id, actions }));
    s.send("sent", { tab: TAB, id: s.id, seen: s.revision, actions, go, at: s.sentAt });
    status();
  };
  s.sendAgain = send;
  const decide = (kind) => { forget(); act(kind); };
  const go = (where) => { forget(); s.queue = s.queue.then(() => send(where)); };
  const forget = () => { s.corners = []; s.box = null; s.drawing = null; };
  const status = () => {
    const isSaving = s.encoding || s.pending.size, line = find(".status");
    line.textContent = s.notice || (isSaving ? (s.isLate ? "Not saved yet: waiting for the server …" : "Saving …") : s.ready && s.revision ? "Saved" : "");
    line.classList.toggle("bad", Boolean(s.notice));
    const asks = [...s.pending.values()].flat().some(({ kind }) => ["click", "stroke", "box"].includes(kind));
    find(".busy").hidden = !asks;
    // Not `disabled`: a focused button that becomes disabled swallows the keyboard.
    find(".undo").setAttribute("aria-disabled", String(!data.can_undo));
    find(".redo").setAttribute("aria-disabled", String(!data.can_redo));
  };
  if (!s.guard) {
    s.guard = (event) => { if (s.encoding || s.pending.size) event.preventDefault(); };
    window.addEventListener("beforeunload", s.guard);
  }

  const fit = () => fitInto(s, stage.getBoundingClientRect(), s.width, s.height);
  const redraw = (x, y, w, h) => {  // and a pixel around it, whose outline may change
    x -= 1; y -= 1; w += 2; h += 2;
    x = Math.max(0, Math.floor(x)); y = Math.max(0, Math.floor(y));
    w = Math.min(s.width - x, Math.ceil(w)); h = Math.min(s.height - y, Math.ceil(h));
    if (w <= 0 || h <= 0) return show();
    const part = new ImageData(w, h);
    for (let row = 0; row < h; row++)
      for (let column = 0; column < w; column++) {
        const here = (y + row) * s.width + x + column, id = s.mask[here], colour = colours[id - 1];
        if (!colour) continue;
        const isEdge = s.mask[here - 1] !== id || s.mask[here + 1] !== id || s.mask[here - s.width] !== id || s.mask[here + s.width] !== id;
        const at = 4 * (row * w + column);
        part.data[at] = colour[0]; part.data[at + 1] = colour[1]; part.data[at + 2] = colour[2]; part.data[at + 3] = isEdge ? 255 : INSIDE;
      }
    s.layer.getContext("2d").putImageData(part, x, y);
    show();
  };
  const show = () => requestAnimationFrame(() => {
    if (!s.photo) return;
    const box = stage.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    screen.width = box.width * ratio; screen.height = box.height * ratio;
    pen.setTransform(ratio * s.scale, 0, 0, ratio * s.scale, ratio * s.x, ratio * s.y);
    pen.imageSmoothingEnabled = s.scale < 3;
    pen.drawImage(s.photo, 0, 0, s.width, s.height);
    if (!s.ready) return;
    pen.globalAlpha = s.hidden ? 0 : find(".see").value / 100;
    pen.imageSmoothingEnabled = false;
    pen.drawImage(s.layer, 0, 0);
    pen.globalAlpha = 1;
    drawPrompts();
    drawTool();
  });
  const drawPrompts = () => {
    const pending = (s.pending.get(s.id) ?? []).map(({ kind, at }) => ({ kind, ...at }));
    for (const { kind, x, y, points, positive } of [...s.prompts, ...pending]) {
      const colour = positive ? "#12b76a" : "#f04438";
      if (kind === "click") {
        pen.beginPath(); pen.arc(x, y, 5.5 / s.scale, 0, 7);
        pen.fillStyle = colour; pen.fill();
        pen.lineWidth = 2 / s.scale; pen.strokeStyle = "#fff"; pen.stroke();
      } else if (kind === "stroke") line(points, colour, 3);
    }
    if (s.drawing?.length && s.tool === "click") line(s.drawing, s.takesAway ? "#f04438" : "#12b76a", 2 * radius() * s.scale);
  };
  const line = (points, colour, width) => {
    pen.beginPath(); pen.lineCap = pen.lineJoin = "round";
    points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.strokeStyle = colour; pen.lineWidth = width / s.scale; pen.globalAlpha = .75; pen.stroke(); pen.globalAlpha = 1;
  };
  const drawTool = () => {
    pen.lineWidth = 1.5 / s.scale;
    for (const [colour, dash] of [["#000", []], ["#fff", [6 / s.scale, 6 / s.scale]]]) {
      pen.strokeStyle = colour; pen.setLineDash(dash);
      if (s.box) pen.strokeRect(s.box[0], s.box[1], s.box[2] - s.box[0], s.box[3] - s.box[1]);
      if (s.corners.length) {
        pen.beginPath();
        s.corners.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
        if (s.at) pen.lineTo(...s.at);
        pen.stroke();
      }
      if (s.at && (s.tool === "brush" || s.tool === "eraser")) { pen.beginPath(); pen.arc(s.at[0], s.at[1], radius(), 0, 7); pen.stroke(); }
      else if (s.at && s.isByKey) {
        const [x, y] = s.at, far = 12 / s.scale;
        pen.beginPath(); pen.moveTo(x - far, y); pen.lineTo(x + far, y); pen.moveTo(x, y - far); pen.lineTo(x, y + far); pen.stroke();
      }
    }
    pen.setLineDash([]);
    for (const [x, y] of s.corners) { pen.fillStyle = "#fff"; pen.beginPath(); pen.arc(x, y, 4 / s.scale, 0, 7); pen.fill(); }
  };

  // Painting changes the mask here at once, and sends the smallest rectangle around what has changed.
  const begin = () => { s.before = s.mask.slice(); s.painting = true; };
  const commit = (tool) => {
    s.painting = false;
    const box = changedBox(s.before);
    if (!box) return;
    const [x, y, w, h] = box, ids = new Uint8Array(w * h).fill(UNCHANGED);
    for (let row = 0; row < h; row++)
      for (let column = 0; column < w; column++) {
        const at = (y + row) * s.width + x + column;
        if (s.mask[at] !== s.before[at]) ids[row * w + column] = s.mask[at];
      }
    s.before = null;
    act("paint", async () => ({ tool, patch: { top: y, left: x, png: await greyPng(ids, w, h) } }));
  };
  const changedBox = (before) => {
    let left = s.width, right = -1, top = s.height, bottom = -1;
    for (let y = 0, at = 0; y < s.height; y++)
      for (let x = 0; x < s.width; x++, at++)
        if (s.mask[at] !== before[at]) {
          if (x < left) left = x;
          if (x > right) right = x;
          if (y < top) top = y;
          bottom = y;
        }
    return right < 0 ? null : [left, top, right - left + 1, bottom - top + 1];
  };
  const value = () => (s.tool === "eraser" || s.takesAway ? 0 : s.label);
  const radius = () => brushRadius(find(".size").value, s.width, s.height);
  const stroke = (from, to) => redraw(...paintLine(s, from, to, radius(), value()));
  const fillPolygon = () => {
    const c = s.corners; s.corners = [];
    if (c.length < 3) return show();
    begin();
    paintPolygon(s, c, value());
    redraw(0, 0, s.width, s.height); commit("polygon");
  };
  const fillArea = ([x, y]) => {  // all pixels of one id that hang together, by rows
    const px = Math.floor(x), py = Math.floor(y), id = value();
    if (px < 0 || py < 0 || px >= s.width || py >= s.height) return;
    const old = s.mask[py * s.width + px];
    if (old === id) return;
    begin();
    const open = [[px, py]];
    while (open.length) {
      const [sx, sy] = open.pop(), row = sy * s.width;
      if (s.mask[row + sx] !== old) continue;
      let left = sx, right = sx;
      while (left > 0 && s.mask[row + left - 1] === old) left--;
      while (right < s.width - 1 && s.mask[row + right + 1] === old) right++;
      s.mask.fill(id, row + left, row + right + 1);
      for (const ny of [sy - 1, sy + 1]) {
        if (ny < 0 || ny >= s.height) continue;
        for (let nx = left, inside = false; nx <= right; nx++) {
          const same = s.mask[ny * s.width + nx] === old;
          if (same && !inside) open.push([nx, ny]);
          inside = same;
        }
      }
    }
    redraw(0, 0, s.width, s.height); commit("fill");
  };
  const corner = (at) => {
    const start = s.corners[0];
    const closes = start && Math.hypot(at[0] - start[0], at[1] - start[1]) * s.scale < 10;
    closes && s.corners.length > 2 ? fillPolygon() : s.corners.push(at);
    show();
  };
  const click = ([x, y], takesAway) => {
    if (x < 0 || y < 0 || x >= s.width || y >= s.height) return;
    act("click", { at: { x, y, positive: !takesAway } });
    show();
  };

  const place = (event) => {
    const box = stage.getBoundingClientRect();
    return [(event.clientX - box.left - s.x) / s.scale, (event.clientY - box.top - s.y) / s.scale];
  };
  const clipped = ([x, y]) => [Math.max(0, Math.min(s.width, x)), Math.max(0, Math.min(s.height, y))];
  const zoom = (factor, x, y) => {
    zoomAt(s, factor, x, y); show();
  };
  const zoomMiddle = (factor) => { const box = stage.getBoundingClientRect(); zoom(factor, box.width / 2, box.height / 2); };
  const fingers = new Map();
  stage.onwheel = (event) => {
    if (!event.ctrlKey && !event.metaKey) return;  // scrolls the page
    event.preventDefault();
    const box = stage.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
  };
  stage.oncontextmenu = (event) => event.preventDefault();
  stage.onpointerdown = (event) => {
    if (!s.ready || !find(".keys").hidden) return;
    stage.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    s.isByKey = false;
    s.moving = s.space || event.button === 1;
    if (fingers.size > 1) {  // a second finger zooms; what the first one drew by landing goes
      if (s.painting) { s.mask = s.before; s.painting = false; redraw(0, 0, s.width, s.height); }
      s.drawing = null; s.box = null;
      return;
    }
    if (s.moving) return;
    const at = place(event);
    s.takesAway = s.minus || event.altKey || event.button === 2;
    if (s.tool !== "brush" && s.tool !== "eraser") { s.drawing = [at]; return show(); }  // done when it ends: a second finger may follow
    begin(); s.last = at; stroke(at, at);
  };
  stage.onpointermove = (event) => {
    if (!s.ready) return;
    s.at = place(event); s.isByKey = false;
    const before = fingers.get(event.pointerId);
    if (before) {
      const now = [event.clientX, event.clientY];
      if (fingers.size === 2) {
        const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
        pinch(s, before, now, other, stage.getBoundingClientRect());
      } else if (s.moving) { s.x += now[0] - before[0]; s.y += now[1] - before[1]; }
      else if (s.drawing && s.tool === "box") {
        const [x, y] = s.drawing[0], [u, v] = clipped([Math.min(x, s.at[0]), Math.min(y, s.at[1])]);
        s.box = [u, v, ...clipped([Math.max(x, s.at[0]), Math.max(y, s.at[1])])];
      } else if (s.drawing && s.tool === "click") {
        const last = s.drawing.at(-1);
        if (Math.hypot(s.at[0] - last[0], s.at[1] - last[1]) * s.scale > 4) s.drawing.push(s.at);
      } else if (s.painting) { stroke(s.last, s.at); s.last = s.at; }
      fingers.set(event.pointerId, now);
    }
    show();
  };
  stage.onpointerup = (event) => {
    fingers.delete(event.pointerId);
    const drawn = s.drawing; s.drawing = null;
    if (drawn && s.tool === "box" && s.box) { const box = s.box; s.box = null; act("box", { at: { box, positive: true } }); }
    else if (drawn && s.tool === "click") {
      const far = drawn.some(([x, y]) => Math.hypot(x - drawn[0][0], y - drawn[0][1]) * s.scale > 8);
      far ? act("stroke", { at: { points: drawn.map(clipped), radius: radius(), positive: !s.takesAway } }) : click(drawn[0], s.takesAway);
    }
    else if (drawn && s.tool === "polygon") corner(drawn[0]);
    else if (drawn && s.tool === "fill") fillArea(drawn[0]);
    if (s.painting) commit(s.tool);
    s.moving = false; show();
  };
  stage.onpointercancel = (event) => {
    fingers.delete(event.pointerId);
    if (s.painting) commit(s.tool);
    s.drawing = null; s.box = null; s.moving = false; show();
  };
  stage.onpointerleave = () => { s.at = null; show(); };
  stage.ondblclick = () => s.tool === "polygon" && fillPolygon();

  const chooseTool = (tool) => { s.tool = tool; forget(); press(); show(); };
  const chooseClass = (id) => { if (id >= 1 && id <= data.classes.length) { s.label = id; if (s.tool === "eraser") s.tool = "brush"; press(); show(); } };
  const toggleMinus = () => { s.minus = s.takesAway = !s.minus; press(); };
  const size = (step) => { const input = find(".size"); input.value = Number(input.value) + step; show(); };
  const moveBy = (x, y) => {
    const box = stage.getBoundingClientRect();
    const from = s.at ?? [(box.width / 2 - s.x) / s.scale, (box.height / 2 - s.y) / s.scale];
    s.at = [Math.max(0, Math.min(s.width - 1, from[0] + x / s.scale)), Math.max(0, Math.min(s.height - 1, from[1] + y / s.scale))];
    s.isByKey = true; show();
  };
  const toggleKeys = (open = find(".keys").hidden) => {
    find(".keys").hidden = !open;
    if (open) find(".keys").replaceChildren(...KEYS.map(([key, words]) => {
      const row = document.createElement("div"), name = document.createElement("kbd");
      name.textContent = key; row.append(words, name); return row;
    }));
  };
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const command = (event) => {  // whether the key is one of the canvas's
    const key = event.key, ctrl = event.ctrlKey || event.metaKey, arrow = ARROWS[key];
    if (ctrl && arrow) { const far = event.shiftKey ? 40 : 8; moveBy(arrow[0] * far, arrow[1] * far); return true; }
    if (ctrl && key === "Enter") {
      s.takesAway = s.minus || event.altKey;
      if (s.at) s.tool === "polygon" ? corner(s.at) : s.tool === "fill" ? fillArea(s.at) : click(s.at, s.takesAway);
      return true;
    }
    if (ctrl && "zy".includes(key.toLowerCase())) { act(key.toLowerCase() === "y" || event.shiftKey ? "redo" : "undo"); return true; }
    if (ctrl || (event.altKey && key !== "Alt")) return false;
    const tool = Object.keys(TOOLS).find((name) => TOOLS[name][1] === key.toLowerCase());
    if (tool) { chooseTool(tool); return true; }
    if (/^[1-9]$/.test(key)) { chooseClass(Number(key)); return true; }
    const commands = {
      Enter: () => (s.tool === "polygon" && s.corners.length ? fillPolygon() : decide("accept")),
      s: () => decide("skip"), ArrowLeft: () => go("previous"), ArrowRight: () => go("next"),
      z: () => act("undo"), y: () => act("redo"), r: toggleMinus, o: () => act("object"),
      "[": () => size(-4), "]": () => size(4), "+": () => zoomMiddle(1.25), "=": () => zoomMiddle(1.25), "-": () => zoomMiddle(0.8),
      f: () => { fit(); show(); }, h: () => { s.hidden = true; show(); }, " ": () => { s.space = true; },
      Escape: () => { toggleKeys(false); forget(); show(); }, "?": () => toggleKeys(),
      Delete: () => event.shiftKey && act("clear"),
    };
    const work = commands[key] ?? commands[key.toLowerCase()];
    if (!work) return false;
    work();
    return true;
  };
  // The whole page listens, so that nobody has to click the photo first; Streamlit's own shortcuts (C, R) rest.
  s.onkey = (event) => {
    const target = event.composedPath()[0];
    const isTyping = target.closest?.("input:not([type=range]), textarea, select, [contenteditable], [role=combobox], [role=dialog]:not(.keys), [role=listbox], [role=menu]");
    const isElsewhere = !root.isConnected || isTyping || document.querySelector("[role=dialog][aria-modal=true], [data-testid=stDialog]");
    if (isElsewhere) return;
    const presses = ["Enter", " "].includes(event.key) && target.closest?.("button, a, summary, [role=radio], [role=tab]");
    const slides = event.key.startsWith("Arrow") && target.closest?.("input, [role=radio], [role=slider], [role=tab]");
    if (presses || slides) return;
    if (command(event)) { event.preventDefault(); event.stopImmediatePropagation(); }
  };
  if (!s.isListening) {
    s.isListening = true;
    window.addEventListener("keydown", (event) => s.onkey(event), true);
    window.addEventListener("keyup", (event) => {
      if (event.key === " ") s.space = false;
      if (event.key.toLowerCase() === "h" && s.hidden) { s.hidden = false; s.show(); }
    }, true);
  }
  s.show = show;

  const press = () => {
    root.querySelectorAll(".tools button").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.tool === s.tool)));
    root.querySelectorAll(".classes button").forEach((b) => b.setAttribute("aria-checked", String(Number(b.dataset.id) === s.label)));
    find(".minus").setAttribute("aria-pressed", String(s.minus));
    find(".hint").textContent = TOOLS[s.tool][2];
  };
  find(".tools").replaceChildren(...Object.entries(TOOLS).map(([tool, [words, key]]) => {
    const button = document.createElement("button");
    button.textContent = words; button.dataset.tool = tool; button.title = `Key ${key.toUpperCase()}`;
    button.onclick = () => chooseTool(tool);
    return button;
  }));
  find(".classes").replaceChildren(...data.classes.map(({ id, name, colour }) => {
    const button = document.createElement("button"), swatch = document.createElement("i");
    button.setAttribute("role", "radio"); button.dataset.id = id; button.title = name;
    swatch.style.background = colour;
    button.append(swatch, name);
    if (id < 10) { const key = document.createElement("kbd"); key.textContent = id; key.setAttribute("aria-hidden", "true"); button.append(key); }
    button.onclick = () => chooseClass(id);
    return button;
  }));
  find(".see").oninput = show;
  find(".minus").onclick = toggleMinus;
  find(".object").onclick = () => act("object");
  find(".undo").onclick = () => act("undo");
  find(".redo").onclick = () => act("redo");
  find(".clear").onclick = () => act("clear");
  find(".help").onclick = () => toggleKeys();
  find(".skip").onclick = () => decide("skip");
  find(".accept").onclick = () => decide("accept");
  root.querySelectorAll("[data-go]").forEach((button) => { button.onclick = () => go(button.dataset.go); });
  root.querySelectorAll("[data-zoom]").forEach((button) => {
    button.onclick = () => { const factor = Number(button.dataset.zoom); if (factor) zoomMiddle(factor); else { fit(); show(); } };
  });
  s.resized = () => { if (s.photo) { fit(); show(); } };  // of the photo that is shown now
  press();
  status();
  load();
  if (first) new ResizeObserver(() => s.resized()).observe(stage);
}

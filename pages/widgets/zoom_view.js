export default function ({ data, parentElement }) {
  const view = parentElement.querySelector(".view");
  const [stage, sheet] = [".stage", ".sheet"].map((s) => view.querySelector(s));
  const [photo, layer] = [".photo", ".layer"].map((s) => view.querySelector(s));
  const range = view.querySelector("input");
  const kinds = ["Overlay", "Contour", "Photo", "Mask"];
  const state = (view.state ??= { kind: "Overlay", scale: 1, x: 0, y: 0, photo: "" });
  stage.style.aspectRatio = `${data.width} / ${data.height}`;
  stage.style.maxHeight = "70vh";
  stage.style.width = `min(100%, calc(70vh * ${data.width / data.height}))`;
  stage.style.margin = "0 auto";
  if (state.photo !== data.photo) Object.assign(state, { scale: 1, x: 0, y: 0, photo: data.photo });
  photo.src = data.photo;
  const place = () => {
    const box = stage.getBoundingClientRect();
    state.x = Math.min(0, Math.max(box.width * (1 - state.scale), state.x));
    state.y = Math.min(0, Math.max(box.height * (1 - state.scale), state.y));
    sheet.style.transform = `translate(${state.x}px, ${state.y}px) scale(${state.scale})`;
  };
  const show = () => {
    photo.style.visibility = state.kind === "Mask" ? "hidden" : "visible";
    layer.style.visibility = state.kind === "Photo" ? "hidden" : "visible";
    layer.src = state.kind === "Contour" ? data.contour : data.mask;
    layer.style.opacity = state.kind === "Overlay" ? range.value / 100 : 1;
    view.querySelectorAll(".kinds button").forEach((b) =>
      b.setAttribute("aria-pressed", String(b.textContent === state.kind)));
  };
  view.querySelector(".kinds").replaceChildren(...kinds.map((kind) => {
    const button = document.createElement("button");
    button.textContent = kind; button.style.marginRight = "4px";
    button.onclick = () => { state.kind = kind; show(); };
    return button;
  }));
  range.oninput = show;
  const zoom = (factor, x, y) => {
    const next = Math.min(20, Math.max(1, state.scale * factor));
    state.x = x - (x - state.x) * next / state.scale;
    state.y = y - (y - state.y) * next / state.scale;
    state.scale = next; place();
  };
  view.querySelectorAll("[data-zoom]").forEach((button) => {
    button.onclick = () => {
      const box = stage.getBoundingClientRect(), factor = Number(button.dataset.zoom);
      if (factor) zoom(factor, box.width / 2, box.height / 2);
      else { Object.assign(state, { scale: 1, x: 0, y: 0 }); place(); }
    };
  });
  const at = (event) => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  stage.onwheel = (event) => { event.preventDefault(); zoom(Math.exp(-event.deltaY / 400), ...at(event)); };
  const fingers = new Map();
  stage.onpointerdown = (event) => { fingers.set(event.pointerId, at(event)); stage.setPointerCapture(event.pointerId); };
  stage.onpointerup = stage.onpointercancel = (event) => fingers.delete(event.pointerId);
  stage.onpointermove = (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = fingers.get(event.pointerId), now = at(event);
    if (fingers.size === 1) { state.x += now[0] - before[0]; state.y += now[1] - before[1]; place(); }
    if (fingers.size === 2) {
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
      const reach = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
      zoom(reach(now) / reach(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    }
    fingers.set(event.pointerId, now);
  };
  show(); place();
}

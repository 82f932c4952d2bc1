const TITLES = { truth: "ground truth", prediction: "prediction" };

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".canvas"), svg = root.querySelector("svg");
  const s = (root.state ??= { version: null, shapes: {} });
  root.querySelector(".pixels").src = data.picture;
  if (s.version === data.version && svg.childElementCount) return;  // new colours in the middle of a drag
  if (s.version !== data.version) Object.assign(s, { version: data.version, shapes: structuredClone(data.shapes) });
  svg.setAttribute("viewBox", `0 0 ${data.width} ${data.height}`);
  const make = (tag, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  // Python hears of a drag ten times a second, and of where it ended.
  const tell = (now) => {
    clearTimeout(s.timer);
    const send = () => { s.sent = Date.now(); setStateValue("shapes", { ...structuredClone(s.shapes), version: s.version }); };
    const wait = 100 - (Date.now() - (s.sent ?? 0));
    if (now || wait <= 0) send(); else s.timer = setTimeout(send, wait);
  };
  const at = (event) => {
    const box = svg.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * data.width, (event.clientY - box.top) / box.height * data.height];
  };
  const drag = (element, work) => {
    element.onpointerdown = (event) => {
      event.preventDefault(); element.setPointerCapture(event.pointerId);
      const before = at(event), shape = structuredClone(s.shapes[element.dataset.of]);
      element.onpointermove = (moved) => {
        const [x, y] = at(moved);
        work(shape, x - before[0], y - before[1]); draw(); tell(false);
      };
      element.onpointerup = element.onpointercancel = () => {
        element.onpointermove = element.onpointerup = element.onpointercancel = null; tell(true);
      };
    };
  };
  const groups = {};
  const draw = () => {
    for (const [name, { outline, handle, words }] of Object.entries(groups)) {
      const shape = s.shapes[name], { x, y, width, height } = shape;
      const there = width >= 1 && height >= 1;
      const place = shape.kind === "ellipse"
        ? { cx: x + width / 2, cy: y + height / 2, rx: width / 2, ry: height / 2 } : { x, y, width, height };
      for (const [key, value] of Object.entries(place)) outline.setAttribute(key, value);
      handle.setAttribute("x", x + width - 1.4); handle.setAttribute("y", y + height - 1.4);
      handle.style.display = outline.style.display = words.style.display = there ? "" : "none";
      words.setAttribute("x", Math.min(data.width - 18, Math.max(1, x)));
      words.setAttribute("y", name === "truth" ? Math.max(3.5, y - 1) : Math.min(data.height - 1, y + height + 4));
    }
  };
  svg.replaceChildren(...["truth", "prediction"].map((name) => {
    const group = make("g", { class: name });
    const outline = make(s.shapes[name].kind === "ellipse" ? "ellipse" : "rect", { class: "shape", tabindex: 0, role: "img" });
    const handle = make("rect", { class: "handle", width: 2.8, height: 2.8 });
    const words = make("text", {});
    words.textContent = TITLES[name];
    outline.dataset.of = handle.dataset.of = name;
    outline.setAttribute("aria-label", `${TITLES[name]}: arrow keys move it, with Shift they resize it`);
    drag(outline, (was, dx, dy) => Object.assign(s.shapes[name], { x: was.x + dx, y: was.y + dy }));
    drag(handle, (was, dx, dy) => Object.assign(s.shapes[name], {
      width: Math.max(1, was.width + dx), height: Math.max(1, was.height + dy) }));
    outline.onkeydown = (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      const shape = s.shapes[name];
      if (event.shiftKey) { shape.width = Math.max(1, shape.width + way[0]); shape.height = Math.max(1, shape.height + way[1]); }
      else { shape.x += way[0]; shape.y += way[1]; }
      draw(); tell(false);
    };
    group.append(outline, handle, words);
    groups[name] = { outline, handle, words };
    return group;
  }));
  draw();
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".panes"), find = (s) => root.querySelector(s);
  const stages = find(".stages"), left = find(".left"), right = find(".right");
  const s = (root.state ??= { kind: "Side by side", x: 0, y: 0, scale: 1, line: 50 });
  const shape = data.width / data.height;
  const make = (tag, name, words) => {
    const made = document.createElement(tag);
    made.className = name;
    if (words) made.textContent = words;
    return made;
  };
  // One place and one zoom, in shares of a pane, so that all panes show the same part.
  const place = () => {
    s.x = Math.min(0, Math.max(1 - s.scale, s.x));
    s.y = Math.min(0, Math.max(1 - s.scale, s.y));
    root.querySelectorAll(".sheet").forEach((sheet) => {
      sheet.style.transform = `translate(${s.x * 100}%, ${s.y * 100}%) scale(${s.scale})`;
    });
  };
  const zoom = (factor, x, y) => {
    const next = Math.min(20, Math.max(1, s.scale * factor));
    s.x = x - (x - s.x) * next / s.scale; s.y = y - (y - s.y) * next / s.scale; s.scale = next; place();
  };
  const sheetOf = (url, title) => {
    const sheet = make("div", "sheet"), img = make("img", "");
    img.src = url; img.alt = title; sheet.append(img);
    return sheet;
  };
  const stageOf = () => {
    const stage = make("div", "stage");
    stage.style.aspectRatio = shape;
    const at = (event) => {
      const box = stage.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    const fingers = new Map();
    stage.onwheel = (event) => { event.preventDefault(); zoom(Math.exp(-event.deltaY / 400), ...at(event)); };
    stage.onpointerdown = (event) => { fingers.set(event.pointerId, at(event)); stage.setPointerCapture(event.pointerId); };
    stage.onpointerup = stage.onpointercancel = (event) => fingers.delete(event.pointerId);
    stage.onpointermove = (event) => {
      if (!fingers.has(event.pointerId)) return;
      const before = fingers.get(event.pointerId), now = at(event);
      if (fingers.size === 1) { s.x += now[0] - before[0]; s.y += now[1] - before[1]; place(); }
      if (fingers.size === 2) {
        const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
        const reach = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 0.01;
        zoom(reach(now) / reach(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
      }
      fingers.set(event.pointerId, now);
    };
    return stage;
  };
  const sideBySide = () => data.panes.map(([title, url]) => {
    const stage = stageOf();
    stage.append(sheetOf(url, title), make("span", "tag", title));
    return stage;
  });
  const divided = () => {
    const stage = stageOf(), over = make("div", "over"), line = make("div", "line");
    const [[a, before], [b, after]] = [left.value, right.value].map((title) => data.panes.find((p) => p[0] === title));
    stage.style.width = `min(100%, calc(68vh * ${shape}))`;
    over.append(sheetOf(before, a));
    stage.append(sheetOf(after, b), over, line, make("span", "tag", a), make("span", "tag far", b));
    const move = (percent) => {
      s.line = Math.min(100, Math.max(0, percent));
      stage.style.setProperty("--x", `${s.line}%`);
      line.setAttribute("aria-valuenow", Math.round(s.line));
    };
    line.tabIndex = 0; line.setAttribute("role", "slider"); line.setAttribute("aria-label", `${a} against ${b}`);
    line.onkeydown = (event) => {
      const step = { ArrowLeft: -2, ArrowRight: 2 }[event.key];
      if (step) { event.preventDefault(); move(s.line + step); }
    };
    line.onpointerdown = (event) => { event.stopPropagation(); line.setPointerCapture(event.pointerId); s.held = true; };
    line.onpointermove = (event) => {
      if (!s.held) return;
      event.stopPropagation();
      const box = stage.getBoundingClientRect();
      move(100 * (event.clientX - box.left) / box.width);
    };
    line.onpointerup = line.onpointercancel = () => { s.held = false; };
    move(s.line);
    return [stage];
  };
  const show = () => {
    const slides = s.kind === "Slider";
    find(".which").style.display = slides ? "" : "none";
    stages.classList.toggle("one", slides);
    stages.replaceChildren(...(slides ? divided() : sideBySide()));
    root.querySelectorAll(".kinds button").forEach((b) => b.setAttribute("aria-pressed", String(b.textContent === s.kind)));
    place();
  };
  find(".kinds").replaceChildren(...["Side by side", "Slider"].map((kind) => {
    const button = make("button", "", kind);
    button.style.marginRight = "4px";
    button.onclick = () => { s.kind = kind; show(); };
    return button;
  }));
  const titles = data.panes.map((pane) => pane[0]);
  for (const [select, wanted] of [[left, s.left ?? data.first[0]], [right, s.right ?? data.first[1]]]) {
    select.replaceChildren(...titles.map((title) => new Option(title, title)));
    select.value = titles.includes(wanted) ? wanted : titles[0];
    select.onchange = () => { s.left = left.value; s.right = right.value; show(); };
  }
  root.querySelectorAll("[data-zoom]").forEach((button) => {
    const factor = Number(button.dataset.zoom);
    button.onclick = () => {
      if (factor) return zoom(factor, 0.5, 0.5);
      Object.assign(s, { x: 0, y: 0, scale: 1 }); place();
    };
  });
  show();
}

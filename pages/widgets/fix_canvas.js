// A click or a stroke on the picture. With the keyboard: arrow keys move a cross, Enter or Space clicks there.
const COLOURS = { keep: "#009e73", remove: "#d55e00" };

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fix");
  const image = root.querySelector("img"), canvas = root.querySelector("canvas");
  const s = (root.state ??= { points: null, cross: null });
  if (image.src !== data.picture) image.src = data.picture;
  image.alt = data.label;
  root.style.setProperty("--ratio", `${data.width / data.height}`);
  canvas.width = data.width;
  canvas.height = data.height;
  canvas.setAttribute("aria-label", `${data.label}: click or draw to ${data.tool}; arrow keys move a cross, Enter clicks`);
  const context = canvas.getContext("2d");
  const draw = () => {
    context.clearRect(0, 0, data.width, data.height);
    context.strokeStyle = context.fillStyle = COLOURS[data.tool];
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = Math.max(2, 2 * data.radius * Math.max(data.width, data.height));
    if (s.points) {
      context.beginPath();
      s.points.forEach(([x, y]) => context.lineTo(x * data.width, y * data.height));
      if (s.points.length === 1) context.lineTo(s.points[0][0] * data.width, s.points[0][1] * data.height);
      context.stroke();
    }
    if (s.cross) {
      const [x, y] = [s.cross[0] * data.width, s.cross[1] * data.height], arm = data.width / 40;
      context.fillRect(x - arm, y - 1, 2 * arm, 2);
      context.fillRect(x - 1, y - arm, 2, 2 * arm);
    }
  };
  const within = (value) => Math.min(1, Math.max(0, value));
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)];
  };
  const send = (points) => setTriggerValue("stroke", { points, tool: data.tool, version: data.version });
  canvas.onpointerdown = (event) => {
    if (event.button) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    s.cross = null;
    s.points = [at(event)];
    draw();
    canvas.onpointermove = (moved) => {
      const [x, y] = at(moved), [lastX, lastY] = s.points.at(-1);
      if (Math.hypot(x - lastX, y - lastY) < 0.004 || s.points.length >= 500) return;
      s.points.push([x, y]);
      draw();
    };
    canvas.onpointerup = () => { send(s.points); ended(); };
    canvas.onpointercancel = () => { ended(); s.points = null; draw(); };
  };
  const ended = () => { canvas.onpointermove = canvas.onpointerup = canvas.onpointercancel = null; };
  canvas.onkeydown = (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way) {
      const [x, y] = s.cross ?? [0.5, 0.5], step = event.shiftKey ? 0.05 : 0.01;
      s.cross = [within(x + way[0] * step), within(y + way[1] * step)];
    } else if ((event.key === "Enter" || event.key === " ") && s.cross) send([s.cross]);
    else return;
    event.preventDefault();
    draw();
  };
  canvas.onblur = () => { s.cross = null; draw(); };
  if (s.version !== data.version) Object.assign(s, { version: data.version, points: null });
  draw();
}

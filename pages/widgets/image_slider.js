// The divider is a range input, so that mouse, touch and arrow keys all work.
export default function ({ data, parentElement }) {
  const pair = parentElement.querySelector(".pair");
  const input = pair.querySelector("input");
  const set = (name, url) => { const img = pair.querySelector(name); if (img.src !== url) img.src = url; };
  const [before, after] = data.labels;
  set(".before", data.before);
  set(".after", data.after);
  pair.querySelector(".left").textContent = before;
  pair.querySelector(".right").textContent = after;
  pair.querySelector(".before").alt = before;
  pair.querySelector(".after").alt = after;
  pair.style.setProperty("--ratio", `${data.width / data.height}`);
  pair.style.setProperty("--tallest", `${data.tallest}px`);
  const place = (x) => {
    pair.style.setProperty("--x", `${x}%`);
    // A label has nothing to name where its picture is covered.
    pair.querySelector(".left").hidden = x < 10;
    pair.querySelector(".right").hidden = x > 90;
  };
  if (!pair.dataset.started) input.value = data.start;
  pair.dataset.started = "yes";
  place(input.value);
  input.setAttribute("aria-label", `${before} against ${after}`);
  input.title = `Drag, or use the arrow keys. Hold B to see ${before.toLowerCase()} alone.`;
  input.oninput = () => place(input.value);
  const fields = "input:not([type=range]), textarea, select, [contenteditable=true]";
  const writes = (target) => target.closest?.(fields);
  const whole = (event, on) => {
    if (event.key.toLowerCase() !== "b" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (writes(event.composedPath()[0] ?? event.target)) return;
    place(on ? 100 : input.value);
  };
  const down = (event) => whole(event, true), up = (event) => whole(event, false);
  document.addEventListener("keydown", down);
  document.addEventListener("keyup", up);
  return () => { document.removeEventListener("keydown", down); document.removeEventListener("keyup", up); };
}

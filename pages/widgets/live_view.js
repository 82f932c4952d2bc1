export default function ({ data, parentElement }) {
  const frame = parentElement.querySelector("iframe"), link = parentElement.querySelector("a");
  const missing = parentElement.querySelector(".missing");
  const address = new URL(data.address, window.location.href);
  link.href = address.href;
  const wanted = `${address.href}?theme=${data.theme}`;
  frame.style.colorScheme = data.theme; // of another scheme than its page, a frame is opaque
  if (frame.src !== wanted) frame.src = wanted;
  fetch(new URL("model.json", address)).then((response) => {
    const isHere = (response.headers.get("content-type") ?? "").startsWith("application/json");
    missing.hidden = isHere;
    frame.hidden = link.hidden = !isHere;
  }).catch(() => {});
  // As tall as its content, which changes with the view and the width.
  const sizes = new ResizeObserver(([{ target }]) => { frame.style.height = `${target.offsetHeight + 4}px`; });
  const watch = () => frame.contentDocument?.body && sizes.observe(frame.contentDocument.body);
  frame.onload = watch;
  watch();
  return () => sizes.disconnect(); // the page that is gone with its frame turns the camera off
}

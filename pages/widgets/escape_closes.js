export default function ({ parentElement }) {
  const host = parentElement.getRootNode().host ?? parentElement;
  const pressed = (event) => {
    if (event.key !== "Escape" || document.activeElement !== document.body) return;
    host.closest("[role=dialog]")?.querySelector("button[aria-label=Close]")?.click();
  };
  document.addEventListener("keydown", pressed);
  return () => document.removeEventListener("keydown", pressed);
}

export default function ({ parentElement }) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  parentElement.querySelector(".mark").scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
}

// The exported page without a network, and with several threads: service-worker.js, which an export has beside it.

const RELOADED = "reloaded-once";

/** Start the service worker where there is one. Reloads the page once, so that all files go through it. */
export async function startOffline() {
  const exported = document.querySelector("meta[name=exported]");
  if (!exported || !navigator.serviceWorker) return;
  const isControlled = Boolean(navigator.serviceWorker.controller);
  try {
    await navigator.serviceWorker.register("service-worker.js");
    await navigator.serviceWorker.ready;
  } catch {
    return; // the page works without it, as long as there is a network
  }
  if (isControlled || sessionStorage.getItem(RELOADED)) return;
  sessionStorage.setItem(RELOADED, "yes");
  location.reload();
  await new Promise(() => {}); // until it is
}

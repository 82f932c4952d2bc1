// Keeps the files of an exported page, so that it opens without a network once it was loaded, and adds the
// headers that browsers ask for before a page may use several threads.

const CACHE = "page-VERSION"; // another for each export
const HOSTS = [location.origin, "https://cdn.jsdelivr.net"]; // the second where the runtime is not in the folder
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
  await clients.claim();
})()));

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && HOSTS.includes(new URL(request.url).origin)) event.respondWith(answer(request));
});

async function answer(request) {
  const cache = await caches.open(CACHE), kept = await cache.match(request, { ignoreSearch: true });
  if (kept) return kept;
  const response = await fetch(request);
  if (!response.ok || response.status === 206) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  const made = new Response(response.body, { status: response.status, headers });
  cache.put(request, made.clone()).catch(() => {}); // no room: the page needs the network then
  return made;
}

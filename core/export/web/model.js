// The page's side of worker.js.

import { Failure } from "./words.js";

export class Model {
  #worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  #waiting = new Map();
  #next = 0;
  #broken = null; // why the thread will never answer

  constructor(onProgress = () => {}) {
    this.#worker.onmessage = ({ data }) => {
      if ("progress" in data) { onProgress(data.progress); return; }
      const { resolve, reject } = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if (data.failure) reject(new Failure(data.failure, data.detail));
      else resolve(data.result);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#broken = new Failure("no-worker", event.message);
      for (const { reject } of this.#waiting.values()) reject(this.#broken);
      this.#waiting.clear();
    };
  }

  #ask(message, moved = []) {
    if (this.#broken) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, ...message }, moved);
    });
  }

  /** Download and open a model, in place of the one before. `about`: what model.json says; `file`: one of its
   * files. Rejects with a Failure. */
  async open(about, file) {
    const here = (url) => new URL(url, document.baseURI).href; // workers resolve addresses against their own
    const files = (of) => of && Object.fromEntries(
      Object.entries(of).map(([name, { url, integrity }]) => [name, { url: here(url), integrity }]));
    const runtime = { wasm: files(about.runtime.wasm), webgpu: files(about.runtime.webgpu) };
    const opened = await this.#ask({
      kind: "open", description: { ...about, runtime }, file: { ...file, url: here(file.url) },
    });
    this.label = opened.label;
  }

  /** Probabilities and labels of one picture; its pixels, an ImageData, are used up. See worker.js. */
  run(picture, options) {
    const { data, height, width } = picture;
    return this.#ask({ kind: "run", pixels: data.buffer, height, width, ...options }, [data.buffer]);
  }
}

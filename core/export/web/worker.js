// The model, in a thread of its own, so that the page stays responsive.

import { Backend } from "./backend.js";
import { fit, labels, probabilities, resized, tensor } from "./pixels.js";
import { Smoothing } from "./smoothing.js";
import { Failure } from "./words.js";

const MOST_BYTES = 600e6; // of a model: browsers end a page that takes a few GB
const smoothing = new Smoothing();
let about = null, backend = null, last = Promise.resolve();

/** One after the other: a model is not replaced while a picture is in it. */
const inTurn = (work) => (last = last.then(work, work));

async function open({ description, file }) {
  const model = { bytes: await downloaded(file), webgpu: file.precision !== "int8" };
  return inTurn(() => replace(description, model));
}

async function replace(description, model) {
  about = description;
  smoothing.forget();
  if (backend) await backend.replace(model);
  else backend = await Backend.open(about.runtime, model, sample);
  return { label: backend.label };
}

async function downloaded(file) {
  if (file.bytes > MOST_BYTES) throw new Failure("too-large");
  const response = await fetch(file.url).catch(() => null);
  if (!response?.ok) throw new Failure("no-model");
  const bytes = new Uint8Array(file.bytes), reader = response.body.getReader();
  let done = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (done + part.value.length > bytes.length) throw new Failure("no-model"); // replaced meanwhile
    bytes.set(part.value, done);
    done += part.value.length;
    postMessage({ progress: done / file.bytes });
  }
  if (done !== bytes.length) throw new Failure("no-model");
  return bytes;
}

function sample(ort) {
  const [height, width] = fit(192, 256, about, Math.min(256, about.long_side)).whole;
  const values = Float32Array.from({ length: 3 * height * width }, (_, i) => Math.sin(i / 50));
  return new ort.Tensor("float32", values, [1, 3, height, width]);
}

/** `pixels`: RGBA of height x width; `side`: the longer side for the network; `chosen`: the class whose
 * probabilities are returned; `everything`: those of all classes, for tests. */
async function run({ pixels, height, width, side, smooth, chosen, threshold, everything }) {
  const start = performance.now();
  const { inner, whole, resize } = fit(height, width, about, side);
  const rgb = resized(new Uint8ClampedArray(pixels), height, width, inner, resize);
  const values = tensor(rgb, inner, whole, about.mean, about.std);
  const prepared = performance.now();
  const logits = await backend.run(values, whole);
  const computed = performance.now();
  const maps = probabilities(logits.values, logits.outputs, inner, whole, about.task);
  if (smooth) smoothing.apply(maps, rgb, inner);
  else smoothing.forget();
  const found = {
    height: inner[0], width: inner[1], map: maps[chosen ?? 0].slice(),
    labels: about.task === "binary" ? null : labels(maps, about.task, threshold),
    maps: everything ? maps : null,
  };
  const ms = { network: computed - prepared, other: performance.now() - computed + prepared - start };
  return { ...found, ms };
}

self.onmessage = async ({ data: { id, kind, ...asked } }) => {
  try {
    const result = await (kind === "open" ? open(asked) : inTurn(() => run(asked)));
    postMessage({ id, result }, [result.map?.buffer, result.labels?.buffer].filter(Boolean));
  } catch (error) {
    postMessage({ id, failure: error instanceof Failure ? error.kind : "no-session", detail: String(error) });
  }
};

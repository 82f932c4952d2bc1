// ONNX Runtime Web, and the fastest way of this browser to run a model with it, found by trying.

import { Failure } from "./words.js";

const CLOSE = 0.02; // largest difference of a GPU's output, as a share of the largest value
const MOST_THREADS = 4;
const GPU_MS = 15_000; // some drivers compile for minutes: WebAssembly runs meanwhile
const THREADS_MS = 15_000; // threads that are not there by then may never be: one does without
// Put before what each thread runs. Without something open, Firefox may lose a worker that another worker has
// started before its first message arrives: about every second start would hang.
const STAYS = 'globalThis.stays = new BroadcastChannel("stays");\n';
const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms, null));

/** Files checked against their hashes, whether they come from here or from another host. */
async function fetched(file) {
  let response;
  try {
    response = await fetch(file.url, { integrity: file.integrity });
  } catch {
    throw new Failure("no-runtime");
  }
  if (!response.ok) throw new Failure("no-runtime");
  return response.arrayBuffer();
}

const asModule = (...parts) => URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));

/** The library with its WebAssembly, ready for sessions. `files`: script, module and binary. */
async function loaded(files, count = threads()) {
  const [script, module, binary] = await Promise.all([files.script, files.module, files.binary].map(fetched));
  const ort = await import(asModule(script));
  ort.env.wasm.wasmBinary = binary;
  ort.env.wasm.wasmPaths = { mjs: asModule(STAYS, module) };
  ort.env.wasm.numThreads = count;
  ort.env.logLevel = "error";
  return ort;
}

function threads() {
  if (!globalThis.crossOriginIsolated) return 1;
  const cores = navigator.hardwareConcurrency || 1;
  return Math.min(cores, MOST_THREADS, Math.max(2, Math.floor(cores / 2)));
}

/** What succeeds first; where neither does, why the second has failed. */
const firstOf = (one, other) => Promise.any([one, other]).catch(() => other);

async function hasGpu() {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter) && !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter);
}

export function supportsWasm() {
  // A module of one function that uses a SIMD instruction, from github.com/GoogleChromeLabs/wasm-feature-detect.
  const simd = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];
  return typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array(simd));
}

/** Opens sessions, all with the one way that was the fastest for the first. */
export class Backend {
  /** `runtime` lists the library's files for "wasm" and, where there are any, "webgpu". */
  static async open(runtime, model, input) {
    if (!supportsWasm()) throw new Failure("no-wasm");
    if (runtime.webgpu && model.webgpu && (await hasGpu())) {
      const tried = Backend.withGpu(runtime.webgpu, model, input).catch(() => null);
      const found = await Promise.race([tried, after(GPU_MS)]);
      if (found) return found;
    }
    const count = threads(), several = Backend.withWasm(runtime.wasm, model, count);
    if (count === 1) return several;
    const found = await Promise.race([several.catch(() => null), after(THREADS_MS)]);
    return found ?? firstOf(several, Backend.withWasm(runtime.wasm, model, 1));
  }

  static async withWasm(files, model, count) {
    const ort = await loaded(files, count);
    return new Backend(ort, "wasm", await session(ort, "wasm", model));
  }

  static async withGpu(files, model, input) {
    const ort = await loaded(files);
    const wasm = await session(ort, "wasm", model), gpu = await session(ort, "webgpu", model);
    const [expected, made] = [await timed(wasm, input(ort)), await timed(gpu, input(ort))];
    if (made.ms < expected.ms && isClose(made.values, expected.values)) {
      await wasm.release();
      return new Backend(ort, "webgpu", gpu);
    }
    await gpu.release();
    return new Backend(ort, "wasm", wasm);
  }

  constructor(ort, kind, opened) {
    Object.assign(this, { ort, kind, session: opened });
  }

  get label() {
    const count = this.ort.env.wasm.numThreads;
    return this.kind === "webgpu" ? "WebGPU" : `WebAssembly, ${count} thread${count === 1 ? "" : "s"}`;
  }

  /** Replace the model, for example by that of the next epoch. */
  async replace(model) {
    const next = await session(this.ort, this.kind, model);
    await this.session.release();
    this.session = next;
  }

  /** From normalised float32 [1, 3, height, width] to logits float32 [outputs, height, width]. */
  async run(values, [height, width]) {
    const images = new this.ort.Tensor("float32", values, [1, 3, height, width]);
    const { logits } = await this.session.run({ images });
    return { values: await logits.getData(), outputs: logits.dims[1] };
  }
}

async function session(ort, kind, model) {
  try {
    return await ort.InferenceSession.create(model.bytes, {
      executionProviders: [kind], graphOptimizationLevel: "all",
    });
  } catch (error) {
    throw new Failure(model.bytes.byteLength > 150e6 ? "too-large" : "no-session", String(error));
  }
}

async function timed(opened, images) {
  let values;
  await opened.run({ images }); // compiles what it needs
  const start = performance.now();
  for (let i = 0; i < 2; i++) values = await (await opened.run({ images })).logits.getData();
  return { ms: performance.now() - start, values };
}

function isClose(made, expected) {
  let most = 1, difference = 0;
  for (let i = 0; i < expected.length; i++) {
    most = Math.max(most, Math.abs(expected[i]));
    difference = Math.max(difference, Math.abs(made[i] - expected[i]));
  }
  return difference <= CLOSE * most; // false for NaN
}

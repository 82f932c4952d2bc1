// The same pixels as Python's: core/inference/predictor.py, core/models/preprocessing.py, onnx_spec.py. Pure functions.

import { stretched } from "./lanczos.js";

/** As Python's round: halves to the even neighbour. */
export function roundHalfEven(value) {
  const floor = Math.floor(value), rest = value - floor;
  return rest < 0.5 ? floor : rest > 0.5 ? floor + 1 : floor + (floor % 2);
}

/**
 * The sizes at which the network sees a picture: `inner`, the resized picture, and `whole`, padded, [height,
 * width] each. `about` is the model's description; `longSide` is ignored where the network has one size.
 * `resize` is the way to the inner size.
 */
export function fit(height, width, about, longSide) {
  if (about.fit === "stretch") return { inner: about.size, whole: about.size, resize: stretched };
  const fixed = about.size, step = about.multiple_of, least = about.smallest_side;
  const scale = fixed ? Math.min(fixed[0] / height, fixed[1] / width) : longSide / Math.max(height, width);
  const inner = [height, width].map((side) => Math.max(1, roundHalfEven(side * scale)));
  const whole = fixed ?? inner.map((side) => Math.max(Math.ceil(side / step) * step, least));
  return { inner, whole, resize: scale < 1 ? byArea : linearly };
}

/** RGBA pixels at another [height, width], as RGB bytes, with the `resize` of `fit`. */
export function resized(rgba, height, width, inner, resize) {
  if (height === inner[0] && width === inner[1]) return withoutAlpha(rgba, height * width);
  return resize(rgba, height, width, inner);
}

function withoutAlpha(rgba, count) {
  const rgb = new Uint8ClampedArray(count * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = rgba[from]; rgb[to + 1] = rgba[from + 1]; rgb[to + 2] = rgba[from + 2];
  }
  return rgb;
}

// OpenCV's INTER_AREA (modules/imgproc/src/resize.cpp, computeResizeAreaTab): what each new pixel covers.
function coverage(source, target) {
  const scale = source / target, from = [], to = [], weight = [];
  const add = (place, into, share) => { from.push(place); to.push(into); weight.push(Math.fround(share)); };
  for (let into = 0; into < target; into++) {
    const start = into * scale, end = start + scale, cell = Math.min(scale, source - start);
    const last = Math.min(Math.floor(end), source - 1), first = Math.min(Math.ceil(start), last);
    if (first - start > 1e-3) add(first - 1, into, (first - start) / cell);
    for (let place = first; place < last; place++) add(place, into, 1 / cell);
    if (end - last > 1e-3) add(last, into, Math.min(end - last, 1, cell) / cell);
  }
  return { from: Int32Array.from(from), to: Int32Array.from(to), weight: Float32Array.from(weight) };
}

function byArea(rgba, height, width, [rows, columns]) {
  const across = coverage(width, columns), down = coverage(height, rows);
  const sums = new Float32Array(rows * columns * 3), line = new Float32Array(columns * 3);
  let read = -1;
  for (let i = 0; i < down.from.length; i++) {
    if (down.from[i] !== read) {
      read = down.from[i];
      narrowed(rgba, read * width * 4, across, line);
    }
    const share = down.weight[i], at = down.to[i] * columns * 3;
    for (let k = 0; k < line.length; k++) sums[at + k] += share * line[k];
  }
  // OpenCV halves with integers, which round halves up.
  const halves = height === 2 * rows && width === 2 * columns;
  const rgb = new Uint8ClampedArray(sums.length);
  for (let k = 0; k < sums.length; k++) rgb[k] = halves ? Math.floor(sums[k] + 0.5) : sums[k];
  return rgb;
}

function narrowed(rgba, start, across, line) {
  line.fill(0);
  for (let i = 0; i < across.from.length; i++) {
    const from = start + across.from[i] * 4, to = across.to[i] * 3, share = across.weight[i];
    line[to] += share * rgba[from];
    line[to + 1] += share * rgba[from + 1];
    line[to + 2] += share * rgba[from + 2];
  }
}

// OpenCV's INTER_LINEAR of bytes: shares in steps of 1/2048, and the shifts of its VResizeLinear.
function neighbours(source, target) {
  const scale = source / target, low = new Int32Array(target), high = new Int32Array(target);
  const share = new Int32Array(target);
  for (let i = 0; i < target; i++) {
    const place = (i + 0.5) * scale - 0.5, floor = Math.floor(place);
    low[i] = Math.min(Math.max(floor, 0), source - 1);
    high[i] = Math.min(Math.max(floor + 1, 0), source - 1);
    share[i] = roundHalfEven((place - floor) * 2048); // of two equal neighbours at an edge too, for its rounding
  }
  return { low, high, share };
}

function linearly(rgba, height, width, [rows, columns]) {
  const across = neighbours(width, columns), down = neighbours(height, rows);
  const rgb = new Uint8ClampedArray(rows * columns * 3);
  const between = (row, x, channel) => {
    const at = row * width, share = across.share[x];
    return rgba[(at + across.low[x]) * 4 + channel] * (2048 - share)
      + rgba[(at + across.high[x]) * 4 + channel] * share;
  };
  for (let y = 0, to = 0; y < rows; y++) {
    const share = down.share[y];
    for (let x = 0; x < columns; x++) {
      for (let channel = 0; channel < 3; channel++, to++) {
        const upper = between(down.low[y], x, channel), lower = between(down.high[y], x, channel);
        rgb[to] = (((2048 - share) * (upper >> 4) >> 16) + (share * (lower >> 4) >> 16) + 2) >> 2;
      }
    }
  }
  return rgb;
}

// As cv2.BORDER_REFLECT: the picture mirrored at its last pixel.
function mirrored(place, count) {
  const within = place % (2 * count);
  return within < count ? within : 2 * count - 1 - within;
}

/** RGB bytes of `inner` padded to `whole` and normalised: float32, [1, 3, height, width]. */
export function tensor(rgb, inner, whole, mean, std) {
  const [height, width] = whole, plane = height * width, values = new Float32Array(3 * plane);
  const columns = Int32Array.from({ length: width }, (_, x) => mirrored(x, inner[1]) * 3);
  for (let channel = 0; channel < 3; channel++) {
    const level = Float32Array.from({ length: 256 }, (_, v) => (v - mean[channel] * 255) / (std[channel] * 255));
    let to = channel * plane;
    for (let y = 0; y < height; y++) {
      const row = mirrored(y, inner[0]) * inner[1] * 3 + channel;
      for (let x = 0; x < width; x++) values[to++] = level[rgb[row + columns[x]]];
    }
  }
  return values;
}

/** Logits [outputs, height, width] of `whole` as probabilities of `inner`: one Float32Array an output. */
export function probabilities(logits, outputs, inner, whole, task) {
  const [rows, columns] = inner, count = rows * columns;
  const maps = Array.from({ length: outputs }, () => new Float32Array(count));
  for (let y = 0, to = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++, to++) {
      const from = y * whole[1] + x;
      for (let k = 0; k < outputs; k++) maps[k][to] = logits[k * whole[0] * whole[1] + from];
    }
  }
  if (task === "multiclass") softmax(maps, count);
  else for (const map of maps) for (let i = 0; i < count; i++) map[i] = 1 / (1 + Math.exp(-map[i]));
  return maps;
}

function softmax(maps, count) {
  for (let i = 0; i < count; i++) {
    let highest = -Infinity, sum = 0;
    for (const map of maps) if (map[i] > highest) highest = map[i];
    for (const map of maps) sum += (map[i] = Math.exp(map[i] - highest));
    for (const map of maps) map[i] /= sum;
  }
}

/** Labels of each pixel, as in core/task.py: the most probable class, or a bit for each output. */
export function labels(maps, task, threshold) {
  const count = maps[0].length, found = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    if (task !== "multiclass") {
      for (let k = 0; k < maps.length; k++) if (maps[k][i] >= threshold) found[i] |= 1 << k;
      continue;
    }
    let best = maps[0][i];
    for (let k = 1; k < maps.length; k++) if (maps[k][i] > best) { best = maps[k][i]; found[i] = k; }
  }
  return found;
}

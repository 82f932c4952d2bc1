// Masks smoothed over time where nothing moves, as in core/inference/video.py.

const STEADY = 0.35; // weight of a frame's own mask where nothing moves
const MOVED = 0.06; // change of brightness, 0..1, from which earlier frames have no weight
const SIGMA = 2, REACH = 8;
const WEIGHTS = gaussian();

function gaussian() {
  const values = Float32Array.from({ length: REACH + 1 }, (_, i) => Math.exp((-i * i) / (2 * SIGMA * SIGMA)));
  const sum = values.reduce((all, value, i) => all + value * (i ? 2 : 1), 0);
  return values.map((value) => value / sum);
}

/** Remembers the last frame. `maps` are changed in place; a frame of another size starts again. */
export class Smoothing {
  forget() { this.maps = this.grey = null; }

  apply(maps, rgb, [height, width]) {
    const grey = blurred(brightness(rgb), height, width);
    const same = this.maps?.length === maps.length && this.maps[0].length === maps[0].length;
    if (same) {
      for (let i = 0; i < grey.length; i++) {
        const moved = Math.min(1, Math.abs(grey[i] - this.grey[i]) / MOVED);
        const share = STEADY + (1 - STEADY) * moved;
        for (let k = 0; k < maps.length; k++) maps[k][i] = share * maps[k][i] + (1 - share) * this.maps[k][i];
      }
    }
    this.maps = maps.map((map) => map.slice());
    this.grey = grey;
  }
}

function brightness(rgb) {
  const grey = new Float32Array(rgb.length / 3);
  for (let i = 0, from = 0; i < grey.length; i++, from += 3) {
    grey[i] = (0.299 * rgb[from] + 0.587 * rgb[from + 1] + 0.114 * rgb[from + 2]) / 255;
  }
  return grey;
}

function blurred(values, height, width) {
  return along(along(values, height, width, width, 1), width, height, 1, width);
}

// One pass along lines of `length` values, `step` apart; the lines themselves are `apart`.
function along(values, lines, length, apart, step) {
  const found = new Float32Array(values.length);
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < length; i++) {
      let sum = WEIGHTS[0] * values[line * apart + i * step];
      for (let k = 1; k <= REACH; k++) {
        const before = Math.abs(i - k) % length, after = i + k < length ? i + k : Math.max(0, 2 * length - 2 - i - k);
        sum += WEIGHTS[k] * (values[line * apart + before * step] + values[line * apart + after * step]);
      }
      found[line * apart + i * step] = sum;
    }
  }
  return found;
}
